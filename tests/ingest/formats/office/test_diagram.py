from lxml import etree

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.office.diagram import diagram_blocks


def test_the_points_of_a_diagram_are_a_list():
    data = (
        "<d:dataModel xmlns:d='http://schemas.openxmlformats.org/drawingml/2006/diagram' "
        "xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'><d:ptLst>"
        "<d:pt type='doc'/><d:pt><d:t><a:p><a:r><a:t>Call us</a:t></a:r></a:p></d:t></d:pt>"
        "<d:pt><d:t><a:p><a:r><a:t>Pay </a:t></a:r><a:r><a:t>$5</a:t></a:r></a:p></d:t></d:pt>"
        "</d:ptLst></d:dataModel>"
    )
    assert diagram_blocks(etree.fromstring(data)) == [
        Block("list_item", "- Call us", 1),
        Block("list_item", "- Pay $5", 1),
    ]
