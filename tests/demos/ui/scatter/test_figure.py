"""A map as a Plotly figure."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from demos.ui.scatter.figure import scatter_figure


@pytest.mark.parametrize("dims", [2, 3])
def test_the_figure_holds_every_point_once(dims: int) -> None:
    coordinates = np.random.default_rng(0).normal(size=(9, dims)).astype(np.float32)
    labels = ["b", "a", None] * 3
    figure = scatter_figure(coordinates, labels, [f"{i}.png" for i in range(9)])
    assert [trace.name for trace in figure.data] == ["a", "b", "–"]
    assert sorted(id for trace in figure.data for id in trace.customdata) == list(range(9))
    for trace in figure.data:
        for place, point in enumerate(trace.customdata):
            assert trace.text[place] == f"{point}.png"
            assert trace.x[place] == pytest.approx(coordinates[point, 0], abs=1e-3)


def test_the_figure_is_sent_as_it_always_was() -> None:
    """Programs read this; without Plotly's template, which is larger than most maps."""
    figure = scatter_figure(np.array([[0, 1], [2, 3.5]], np.float32), [None, "a"], ["0.png", "1.png"]).to_plotly_json()
    common = {"type": "scatter", "mode": "markers", "hovertemplate": "%{text}"}
    assert json.loads(json.dumps(figure)) == {
        "data": [
            {**common, "name": "a", "x": [2.0], "y": [3.5], "customdata": [1], "text": ["1.png"],
             "marker": {"color": "#4477cc"}},
            {**common, "name": "–", "x": [0.0], "y": [1.0], "customdata": [0], "text": ["0.png"],
             "marker": {"color": "#8a8580"}},
        ],
        "layout": {
            "hovermode": "closest", "xaxis": {"visible": False}, "yaxis": {"visible": False, "scaleanchor": "x"},
        },
    }  # fmt: skip


def test_titles_and_webgl_change_the_look_alone() -> None:
    points = np.zeros((2, 2), np.float32)
    figure = scatter_figure(points, ["a", "b"], ["0", "1"], {"a": "Apfel"}, webgl=True)
    assert [trace.name for trace in figure.data] == ["Apfel", "b"]
    assert all(isinstance(trace, go.Scattergl) for trace in figure.data)
