"""The texts around the map."""

from demos.core.context import Context
from demos.embeddings.collection import (
    Collection,
)
from demos.embeddings.view import description_html, label_html


def test_the_description_lists_skipped_files(context: Context, collection: Collection) -> None:
    said = description_html(context, collection, uploaded=True, clamped=14)
    assert "15 pictures, 3 labels" in said
    assert "1 × " in said and "not a picture" in said and "不是图片" in said
    assert "14 neighbours" in said


def test_labels_are_translated_only_in_the_built_in_set(context: Context) -> None:
    assert "lang=" in label_html(context, "apple", translated=True)
    assert label_html(context, "big_<cat>", translated=True) == "big &lt;cat&gt;"
    assert label_html(context, "apple", translated=False) == "apple"
    assert label_html(context, None, translated=True) == ""
