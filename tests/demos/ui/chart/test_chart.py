"""What charts are sent as, and what of them a page opens with."""

import json
import math

import pytest
from charts import charts_in

from demos.core.context import Context
from demos.ui.chart.chart import FILES, Series, chart_html, chart_spec, element_script


def test_a_chart_in_html_holds_every_number_and_no_markup_of_its_texts(context: Context) -> None:
    series = [Series("<b>one's</b>", [1.0, None, math.nan]), Series("", [0.1234567, 2e-9, 3], "dashed", "quiet")]
    spec = chart_spec(context, '<i>a "title"</i>', "step", [0, 1, 5], series, y_range=(0.0, 1.0), guide=0.5)
    text = chart_html(spec)
    assert text.count("<") == 2, "all else is an attribute"
    (found,) = charts_in(text)
    assert found == json.loads(json.dumps(spec))
    assert [one["values"] for one in found["series"]] == [[1.0, None, None], [0.12346, 2e-9, 3]]
    assert found["x"] == [0, 1, 5] and found["range"] == [0.0, 1.0] and found["guide"] == 0.5
    assert found["title"] == '<i>a "title"</i>' and found["series"][0]["name"] == "<b>one's</b>"
    assert set(found["words"]) == {"table", "log"}


def test_a_series_of_another_length_is_refused(context: Context) -> None:
    with pytest.raises(ValueError, match="2 values for 3"):
        chart_spec(context, "", "", [0, 1, 2], [Series("", [1, 2])])


def test_the_page_carries_only_the_element_and_the_addresses() -> None:
    script = element_script()
    assert len(script) < 4000, "it is sent to everybody at opening"
    assert "uPlot=" not in script
    for path in FILES.values():
        assert path.is_file() and path.name in script
    assert (FILES["library"].parent / "LICENSE").read_text("utf-8").startswith("The MIT License")
