"""The figure of a metabolite-nulled scan: what was measured, what was taken out, what is left."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.measured_macromolecules import UNCERTAIN_ABOVE_PPM, MeasuredMacromolecules
from mrs_pipeline.report import drawing

FIGURE_SUFFIXES = (".png", ".svg")
#: Where residues of metabolites are looked for first, ppm.
SINGLETS_PPM = {"NAA": 2.01, "tCr": 3.03, "tCho": 3.21, "tCr CH2": 3.92}


def nulled_scan_figure(found: MeasuredMacromolecules, *, suffix: str) -> bytes:
    """The figure as the content of a ``.png`` or ``.svg`` file.

    From top to bottom: data less baseline with the component and its standard error, residues of metabolites, remainder, baseline.
    """
    label = "Metabolite-nulled scan with its macromolecules, residues of metabolites, remainder and baseline"
    with drawing.style():
        figure = drawing.new_figure(height_in=6.2, width_in=7.2)
        axes = figure.subplots()
        _draw(axes, found)
        if suffix == ".svg":
            return drawing.svg(figure, label=label).encode()
        return _png(figure)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": None}, facecolor="white")
    return stream.getvalue()


def _draw(axes: Axes, found: MeasuredMacromolecules) -> None:
    curves = found.curves
    ppm, component = curves.ppm, curves.component.real
    data = (curves.data - curves.baseline).real
    top = max(float(data.max()), float((component + curves.component_sd).max()))
    gap = 0.08 * float(np.ptp(data))
    axes.plot(ppm, data, color=drawing.GREY, linewidth=0.8, label="data less baseline")
    axes.fill_between(ppm, component - curves.component_sd, component + curves.component_sd, color=drawing.SKY, alpha=0.5, linewidth=0)
    axes.plot(ppm, component, color=drawing.BLUE, linewidth=1.6, label="macromolecules (± standard error)")
    height = min(float(data.min()), 0.0)
    below = {
        "residues": (curves.residues.real, drawing.VERMILION),
        "remainder": (curves.remainder.real, drawing.GREY),
        "baseline": (curves.baseline.real - float(np.mean(curves.baseline.real)), drawing.GREEN),
    }
    for name, (values, colour) in below.items():
        height -= gap + float(values.max())
        _trace(axes, ppm, values + height, name=name, zero=height, colour=colour)
        height += float(values.min())
    axes.axvspan(UNCERTAIN_ABOVE_PPM, float(ppm.max()), color=drawing.INFUSION_SHADE, zorder=0)
    for name, position in SINGLETS_PPM.items():
        axes.axvline(position, color=drawing.PALE, linewidth=0.8, zorder=1)
        axes.text(position, 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=8, color=drawing.GREY)
    axes.set_xlim(float(ppm.max()), float(ppm.min()))
    axes.set_ylim(None, top + 2.2 * gap)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("chemical shift (ppm)")
    axes.legend(loc="upper right", ncols=2)
    axes.set_title(_title(found), pad=16)


def _trace(axes: Axes, ppm: FloatArray, values: FloatArray, *, name: str, zero: float, colour: str) -> None:
    axes.axhline(zero, color=drawing.PALE, linewidth=0.8, zorder=1)
    axes.plot(ppm, values, color=colour, linewidth=0.9)
    axes.text(1.005, zero, name, transform=axes.get_yaxis_transform(), va="center", fontsize=9, color=colour)


def _title(found: MeasuredMacromolecules) -> str:
    quality, n_scans = found.quality, len(found.placements)
    return (
        f"{n_scans} scan{'s' if n_scans > 1 else ''}: 0.9 ppm line {quality['snr']:.0f} x noise, {quality['fwhm_09_hz']:.0f} Hz wide; "
        f"remainder {quality['residual_over_noise']:.2f} x noise"
    )
