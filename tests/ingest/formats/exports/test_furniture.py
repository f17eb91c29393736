def said(document):
    return [block.text for block in document.blocks if block.text]


CONFLUENCE = (
    "<html><head><title>Support : Returns</title></head><body><div id=main-header>"
    "<h1 id=title-heading><span id=title-text>Support : Returns</span></h1></div>"
    "<div id=content><div class=page-metadata>Created by Kim</div>"
    "<div id=main-content><p>Within 30 days.</p>"
    '<div class=expand-container><div class="expand-control">'
    "<span class=expand-control-text>Who pays?</span></div>"
    '<div class="expand-content" style="display:none"><p>We do.</p></div></div></div>'
    '<div class="pageSection group"><h2 id=attachments>Attachments:</h2>'
    "<a href=x>label.pdf</a></div></div></body></html>"
)


def test_a_confluence_page_is_said_without_its_frame(read):
    [document] = read("Returns_1.html", CONFLUENCE)
    assert document.title == "Returns"
    assert said(document) == ["Within 30 days.", "Who pays?", "We do."]
    assert document.notes == ("left out 1 attachment: ingest them as files",)


def test_storage_format_is_said_without_its_parameters(read):
    body = (
        '<p>Open.</p><ac:structured-macro ac:name="expand">'
        '<ac:parameter ac:name="title">Who pays?</ac:parameter>'
        "<ac:rich-text-body><p>We do.</p></ac:rich-text-body></ac:structured-macro>"
        '<ac:structured-macro ac:name="status"><ac:parameter ac:name="colour">Green'
        "</ac:parameter></ac:structured-macro>"
    )
    [document] = read("a.html", f"<main><h1>A</h1>{body}</main>")
    assert said(document) == ["Open.", "Who pays?", "We do."]


def test_shortcodes_left_in_a_page_are_not_said(read):
    body = (
        '<p>[vc_row][vc_column width="1/2"]Open [daily].[/vc_column][/vc_row]</p>'
        '<p>[gallery ids="1,2"]</p>'
    )
    [document] = read("a.html", f"<main><h1>A</h1>{body}</main>")
    assert said(document) == ["Open [daily]."]
    assert document.notes == (
        "not spoken: 1 shortcode (gallery); write in the text what callers need",
    )
