"""The Gradio theme and the style sheet of the app."""

from __future__ import annotations

import gradio as gr

from demos.core.paths import ASSETS

CSS_FILE = ASSETS / "look" / "app.css"


SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Noto Sans CJK SC", "sans-serif")


MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    """Return the theme: system fonts, warm greys, and one accent colour, teal."""
    look = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.stone,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        font=SYSTEM_FONTS,
        font_mono=MONO_FONTS,
    )
    return look.set(
        body_background_fill="#fbfaf8",
        body_background_fill_dark="#161514",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_shadow_dark="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_border_width_dark="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_400",
        block_label_text_weight="500",
        block_title_text_weight="500",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_300",
        panel_border_width="0px",
        panel_background_fill="transparent",
        panel_background_fill_dark="transparent",
        color_accent="#0f766e",
        color_accent_soft="#e6f2f0",
        color_accent_soft_dark="#12312e",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59",
        button_primary_background_fill_dark="#2dd4bf",
        button_primary_background_fill_hover_dark="#5eead4",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10201e",
        button_secondary_background_fill="#efedea",
        button_secondary_background_fill_hover="#e5e2dd",
        button_secondary_background_fill_dark="#2a2827",
        button_secondary_background_fill_hover_dark="#373433",
        button_secondary_border_color="transparent",
        button_secondary_border_color_dark="transparent",
        slider_color="#0f766e",
        slider_color_dark="#2dd4bf",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        link_text_color="#0f766e",
        link_text_color_dark="#2dd4bf",
    )
