"""A map as a Plotly figure, for programs and for a file that opens anywhere; pages show a `scatter` instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from demos.ui.scatter.scatter import NO_LABEL, Coordinates, label_colour, unique_labels

if TYPE_CHECKING:
    import plotly.graph_objects as go


def scatter_figure(
    coordinates: Coordinates,
    labels: Sequence[str | None],
    names: Sequence[str],
    titles: Mapping[str | None, str] | None = None,
    webgl: bool = False,
) -> go.Figure:
    """Return a Plotly figure of points (N, 2) or (N, 3): one trace for each label, with the ids in ``customdata``.

    Args:
        coordinates: (N, 2) or (N, 3).
        labels: N; None for points without one.
        names: N, shown while a point is pointed at.
        titles: Label -> how the legend names it, where it is not the label itself.
        webgl: Whether points in two dimensions are drawn by WebGL, which is quicker for thousands of them.
    """
    import plotly.graph_objects as go  # here, because it takes a second and most visitors never need it

    dims, classes = coordinates.shape[1], unique_labels(labels)
    trace = go.Scatter3d if dims == 3 else go.Scattergl if webgl else go.Scatter
    figure = go.Figure()
    for index, label in enumerate(classes):
        ids = [point for point, each in enumerate(labels) if each == label]
        points = np.round(coordinates[ids].astype(np.float64), 3)
        figure.add_trace(
            trace(
                mode="markers",
                name=(titles or {}).get(label, NO_LABEL if label is None else label),
                **{axis: points[:, column].tolist() for column, axis in enumerate("xyz"[:dims])},
                customdata=ids,
                text=[names[point] for point in ids],
                hovertemplate="%{text}",
                marker={"color": label_colour(classes, index)},
            )
        )
    figure.layout.template = None  # which is larger than most maps
    figure.update_layout(hovermode="closest")
    if dims == 2:  # the axes of such a map mean nothing, but its distances must not be stretched
        figure.update_layout(xaxis={"visible": False}, yaxis={"visible": False, "scaleanchor": "x"})
    return figure
