"""The texts around the map."""

import re

from demos.core.context import Context
from demos.embeddings.collection import Collection, Scores
from demos.embeddings.precomputed import Row, save_rows
from demos.embeddings.view import description_html, label_html, scores_html
from demos.ui.left_out import left_out_html


def test_the_description_lists_skipped_files(context: Context, collection: Collection) -> None:
    said = description_html(context, collection, uploaded=True, clamped=14)
    assert "15 pictures, 3 labels" in said
    assert "1 × " in said and "not a picture" in said and "不是图片" in said
    assert "14 neighbours" in said


def test_a_list_is_joined_as_its_language_does(context: Context) -> None:
    said = re.sub(r"<span lang=\"en\">.*?</span>", "", left_out_html(context, {"not_an_image": 2, "empty": 1}))
    assert re.sub("<.*?>", "", said) == "有 3 个文件未采用：1 × 空文件、2 × 不是图片"


def test_labels_are_translated_only_in_the_built_in_set(context: Context) -> None:
    assert "lang=" in label_html(context, "apple", translated=True)
    assert label_html(context, "big_<cat>", translated=True) == "big &lt;cat&gt;"
    assert label_html(context, "apple", translated=False) == "apple"
    assert label_html(context, None, translated=True) == ""


def test_the_usual_spreads_are_those_of_the_table(context: Context) -> None:
    def row(spread: float) -> Row:
        return Row(Scores(0.5, 0.1, 0.9, 0.9, spread), None, 3.0, 8, 1.0)

    shown = Scores(None, None, 0.9, 0.9, 0.31)
    assert "0.31" in scores_html(context, shown, 0) and "has not collapsed" not in scores_html(context, shown, 0)
    folder = context.first_paint / "embeddings"
    folder.mkdir(parents=True)
    save_rows({"mae": row(0.22), "vae": row(0.83), "simclr": row(0.5), "random": row(0.17)}, folder)
    said = scores_html(context, shown, 0)
    assert "between 0.22 and 0.83; the untrained one has 0.17, and has not collapsed" in said
