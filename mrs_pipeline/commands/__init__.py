"""One function a command: read, compute, write; shared by the command line and the workflow."""
