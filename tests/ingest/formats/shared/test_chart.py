"""Charts written by python-pptx."""

import datetime as dt

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from kbserver.ingest.formats.shared.chart import chart_blocks

SIZE = (Inches(1), Inches(1), Inches(5), Inches(4))


def drawn(data, kind=XL_CHART_TYPE.COLUMN_CLUSTERED, title="", axis=""):
    slide = Presentation().slides.add_slide(Presentation().slide_layouts[6])
    chart = slide.shapes.add_chart(kind, *SIZE, data).chart
    if title:
        chart.has_title = True
        chart.chart_title.text_frame.text = title
    if axis:
        chart.category_axis.has_title = True
        chart.category_axis.axis_title.text_frame.text = axis
    return chart_blocks(chart._chartSpace)


@pytest.mark.parametrize(
    ("number_format", "value", "shown"),
    [
        ("General", 85, "85"),
        ("0%", 0.25, "25%"),
        ('"$"#,##0.00', 1234.5, "$1,234.50"),
        ("0.0", 3, "3.0"),
        ("General", -2.5, "-2.5"),
    ],
)
def test_values_are_said_as_the_chart_shows_them(number_format, value, shown):
    data = CategoryChartData(number_format=number_format)
    data.categories = ["January", "February"]
    data.add_series("Snow depth", (value, None))
    [block] = drawn(data, title="Ski season")
    assert block.text == f"January: Snow depth {shown}."
    assert block.lead_in == "Ski season"


def test_several_series_are_said_together():
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Adults", (310, 290))
    data.add_series("Children", (31, 29))
    assert [block.text for block in drawn(data, XL_CHART_TYPE.LINE, axis="Year")] == [
        "Year 2025: Adults 310; Children 31.",
        "Year 2026: Adults 290; Children 29.",
    ]


def test_dates_and_several_levels_are_labels():
    data = CategoryChartData()
    data.categories = [dt.date(2026, 5, 3)]
    data.add_series("Guests", (12,))
    [block] = drawn(data, XL_CHART_TYPE.LINE)
    assert "2026" in block.text and block.text.endswith(": Guests 12.")
    data = CategoryChartData()
    for year in ("2025", "2026"):
        outer = data.add_category(year)
        outer.add_sub_category("spring")
        outer.add_sub_category("autumn")
    data.add_series("Guests", (1, 2, 3, 4))
    assert [block.text for block in drawn(data)] == [
        "2025 spring: Guests 1.",
        "2025 autumn: Guests 2.",
        "2026 spring: Guests 3.",
        "2026 autumn: Guests 4.",
    ]


def test_points_of_two_axes_are_said_by_the_first():
    data = XyChartData()
    series = data.add_series("Depth")
    series.add_data_point(10, 2.5)
    series.add_data_point(20, 3.5)
    assert [block.text for block in drawn(data, XL_CHART_TYPE.XY_SCATTER)] == [
        "10: Depth 2.5.",
        "20: Depth 3.5.",
    ]


def test_a_chart_without_values_says_nothing():
    data = CategoryChartData()
    data.categories = ["January"]
    data.add_series("Snow", (None,))
    assert drawn(data) == []
