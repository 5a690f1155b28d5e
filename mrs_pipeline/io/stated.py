"""What a user states of basis files that do not say it themselves, such as LCModel's .RAW files, which hold no sampling."""

from dataclasses import dataclass

from mrs_pipeline.errors import InputError

#: Words of a message for each quantity, and its unit.
_WORDS = {
    "spectrometer_frequency_mhz": ("spectrometer frequency", "MHz"),
    "spectral_width_hz": ("spectral width", "Hz"),
    "echo_time_s": ("echo time", "s"),
}

#: Relative difference between what a file and the user state that is rounding.
ROUNDING = 1e-3


@dataclass(frozen=True, kw_only=True)
class Stated:
    """Sampling and timing as the user states them; None where nothing is stated and the file must know."""

    spectrometer_frequency_mhz: float | None = None
    spectral_width_hz: float | None = None
    echo_time_s: float | None = None

    def value(self, name: str, in_file: float | None, *, path: object) -> float | None:
        """The quantity as the file states it, else as the user does; `InputError` where the two disagree."""
        given = getattr(self, name)
        if given is None or in_file is None:
            return in_file if given is None else float(given)
        if abs(given / in_file - 1) > ROUNDING:
            words, unit = _WORDS[name]
            raise InputError(
                f"{path} states a {words} of {in_file:g} {unit}, but {given:g} {unit} is given for it: leave out the one that is wrong"
            )
        return in_file


#: Nothing is stated: files must say all of it.
NOTHING_STATED = Stated()
