"""The Gradio theme and the style sheet of the app."""

from __future__ import annotations

import gradio as gr

from demos.core.paths import ASSETS

CSS_FILES = tuple(ASSETS / "look" / name for name in ("app.css", "access.css"))

SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Noto Sans CJK SC", "sans-serif")


MONO_FONTS = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# Name of a variable -> its values on the light and on the dark page.
LIGHT_AND_DARK = {
    "body_background_fill": ("#fbfaf8", "#161514"),
    "block_background_fill": ("transparent", "transparent"),
    "block_border_width": ("0px", "0px"),
    "block_shadow": ("none", "none"),
    "block_label_background_fill": ("transparent", "transparent"),
    "block_label_border_width": ("0px", "0px"),
    "block_label_text_color": ("*neutral_600", "*neutral_400"),
    "block_title_text_color": ("*neutral_700", "*neutral_300"),
    "body_text_color_subdued": ("*neutral_600", "*neutral_400"),
    "block_info_text_color": ("*neutral_600", "*neutral_400"),
    "input_placeholder_color": ("*neutral_500", "*neutral_400"),
    "panel_background_fill": ("transparent", "transparent"),
    "color_accent_soft": ("#e6f2f0", "#12312e"),
    "button_primary_background_fill": ("#0f766e", "#2dd4bf"),
    "button_primary_background_fill_hover": ("#115e59", "#5eead4"),
    "button_primary_text_color": ("#ffffff", "#10201e"),
    "button_secondary_background_fill": ("#efedea", "#2a2827"),
    "button_secondary_background_fill_hover": ("#e5e2dd", "#373433"),
    "button_secondary_border_color": ("transparent", "transparent"),
    "slider_color": ("#0f766e", "#2dd4bf"),
    "checkbox_label_background_fill": ("transparent", "transparent"),
    "link_text_color": ("#0f766e", "#2dd4bf"),
}


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
    light = {name: values[0] for name, values in LIGHT_AND_DARK.items()}
    dark = {f"{name}_dark": values[1] for name, values in LIGHT_AND_DARK.items()}
    return look.set(
        **light,
        **dark,
        block_padding="0px",
        block_info_text_size="13px",
        block_label_text_weight="500",
        block_title_text_weight="500",
        panel_border_width="0px",
        color_accent="#0f766e",
    )
