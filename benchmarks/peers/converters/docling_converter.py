"""docling: Office, web and mail by its own parsers, PDF by the pipeline without models."""

from __future__ import annotations

from answering import answer
from docling.datamodel.base_models import InputFormat
from docling.document_converter import DocumentConverter, PdfFormatOption
from docling.pipeline.native_pdf_pipeline import NativePdfPipeline

PDF = PdfFormatOption(pipeline_cls=NativePdfPipeline)
CONVERTER = DocumentConverter(format_options={InputFormat.PDF: PDF})

answer(lambda path: CONVERTER.convert(path).document.export_to_markdown())
