"""Charts written by python-pptx, and diagrams, in Word files."""

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from lxml import etree
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from kbserver.ingest.load import load

WORD = nsdecls("w", "r", "a")
CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
POINTS = (
    f"<d:dataModel xmlns:d='{DIAGRAM}'"
    " xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'><d:ptLst>"
    "<d:pt><d:t><a:p><a:r><a:t>Call us</a:t></a:r></a:p></d:t></d:pt>"
    "<d:pt><d:t><a:p><a:r><a:t>Pay $5</a:t></a:r></a:p></d:t></d:pt></d:ptLst></d:dataModel>"
)


def chart_xml(values=(85, 60)) -> bytes:
    data = CategoryChartData()
    data.categories = ["January", "February"]
    data.add_series("Snow depth in cm", values)
    slide = Presentation().slides.add_slide(Presentation().slide_layouts[6])
    size = (Inches(1), Inches(1), Inches(5), Inches(4))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
    return etree.tostring(chart._chartSpace)


def draw(document, paragraph, xml: bytes, name="charts/chart1.xml"):
    """Hang a drawing on a paragraph."""
    part = Part(PackURI(f"/word/{name}"), "application/xml", xml, document.part.package)
    identity = document.part.relate_to(part, "urn:drawing")
    element = f'<c:chart xmlns:c="{CHART}" r:id="{identity}"/>'
    if "diagrams" in name:
        element = f'<d:relIds xmlns:d="{DIAGRAM}" r:dm="{identity}"/>'
    paragraph._p.append(
        parse_xml(
            f"<w:r {WORD}><w:drawing><a:graphic><a:graphicData>{element}"
            "</a:graphicData></a:graphic></w:drawing></w:r>"
        )
    )


@pytest.fixture
def saved(tmp_path):
    def save(document):
        path = tmp_path / "a.docx"
        document.save(str(path))
        [read] = load(path, path.name)
        return read

    return save


def test_a_chart_is_said_where_it_stands(saved):
    document = docx.Document()
    draw(document, document.add_paragraph("Snow by month:"), chart_xml())
    document.add_paragraph("Lifts close at four.")
    read = saved(document)
    assert [(block.kind, block.text) for block in read.blocks] == [
        ("paragraph", "Snow by month:"),
        ("table_row", "January: Snow depth in cm 85."),
        ("table_row", "February: Snow depth in cm 60."),
        ("paragraph", "Lifts close at four."),
    ]
    assert read.notes == ()


def test_a_diagram_is_a_list(saved):
    document = docx.Document()
    draw(
        document, document.add_paragraph("How:"), POINTS.encode(), "diagrams/data1.xml"
    )
    read = saved(document)
    assert [block.text for block in read.blocks] == ["How:", "- Call us", "- Pay $5"]
    assert read.notes == ()


def test_a_chart_in_a_cell_is_said_in_its_row(saved):
    document = docx.Document()
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table.rows[0].cells, ("Place", "Snow"), strict=True):
        cell.text = text
    table.cell(1, 0).text = "Summit"
    draw(document, table.cell(1, 1).paragraphs[0], chart_xml())
    read = saved(document)
    assert [block.text for block in read.blocks] == [
        "Place: Summit; Snow: January: Snow depth in cm 85; "
        "February: Snow depth in cm 60."
    ]


def test_a_chart_without_numbers_is_named(saved):
    document = docx.Document()
    draw(document, document.add_paragraph("Snow."), chart_xml((None, None)))
    lost = document.add_paragraph("Sun.")
    draw(document, lost, chart_xml(), "charts/chart2.xml")
    lost._p.xpath(".//*[local-name()='chart']")[0].set(
        "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
        "none",
    )
    read = saved(document)
    assert [block.text for block in read.blocks] == ["Snow.", "Sun."]
    assert read.notes == ("not spoken: 2 charts; say in the text what callers need",)
