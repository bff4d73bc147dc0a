"""Makes Word files with lists written by hand, as python-docx writes paragraphs but no numbering."""

import io
from collections.abc import Sequence

import docx
from docx.document import Document
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.text.paragraph import Paragraph

Level = tuple[str, str]  # numFmt and lvlText


def new() -> Document:
    """An empty document from python-docx's own template, without that template's lists."""
    document = docx.Document()
    numbering = document.part.numbering_part.element
    for child in list(numbering):
        numbering.remove(child)
    return document


def add_list(document: Document, number: int, levels: Sequence[str]) -> None:
    """Add an abstract list; each level is the XML inside its `w:lvl`."""
    inner = "".join(f'<w:lvl w:ilvl="{index}">{level}</w:lvl>' for index, level in enumerate(levels))
    append(document, f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{number}">{inner}</w:abstractNum>')


def add_instance(document: Document, number: int, abstract: int, overrides: str = "") -> None:
    """Add an instance (`w:num`) of a list; `overrides` is XML."""
    append(
        document,
        f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{abstract}"/>{overrides}</w:num>',
    )


def level(number_format: str, text: str, more: str = "", start: int = 1) -> str:
    """The XML inside a `w:lvl`."""
    return f'<w:start w:val="{start}"/><w:numFmt w:val="{number_format}"/>{more}<w:lvlText w:val="{text}"/>'


def put_in_list(paragraph: Paragraph, number: int, depth: int = 0) -> Paragraph:
    """Point a paragraph at a list instance."""
    properties = paragraph._p.get_or_add_pPr()
    pointer = OxmlElement("w:numPr")
    for name, value in (("w:ilvl", depth), ("w:numId", number)):
        child = OxmlElement(name)
        child.set(qn("w:val"), str(value))
        pointer.append(child)
    properties.append(pointer)
    return paragraph


def put_style_in_list(document: Document, style: str, number: int, depth: int | None = None) -> None:
    """Point a style at a list instance."""
    properties = document.styles[style].element.get_or_add_pPr()
    for old in properties.findall(qn("w:numPr")):
        properties.remove(old)
    inner = f'<w:ilvl w:val="{depth}"/>' if depth is not None else ""
    properties.append(parse_xml(f'<w:numPr {nsdecls("w")}>{inner}<w:numId w:val="{number}"/></w:numPr>'))


def saved(document: Document) -> bytes:
    """The document's bytes."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def append(document: Document, xml: str) -> None:
    """Add XML to numbering.xml."""
    document.part.numbering_part.element.append(parse_xml(xml))
