// Goes on from page.js: what Gradio says of uploads in English alone is said in the visitor's language, and an upload
// says whose it is.

const words = one(".toast-words").content;
const TOASTS = [
  [/^File\(s\) exceed the maximum allowed size of (?<limit>[^:]+): (?<name>.*)$/, "too_large"],
  [/^HTTP 413\b/, "too_large_sent"],
  [/^HTTP (429|507): (?<sentence>.+)$/, "refused"], // in the visitor's language already
  [/^Invalid file types?: (?<name>.*)\. Only .*\.zip.* allowed\.$/, "no_picture_or_zip"],
  [/^Invalid file types?: (?<name>.*)\. Only .* allowed\.$/, "no_picture"],
  [/^(HTTP \d+|Connection errored out)/, "failed"],
  ...["Error", "Warning", "Info", "Success"].map((title) => [new RegExp(`^${title}$`), title]),
];

function translateToasts() {
  for (const node of all("[data-testid=toast-text], [data-testid=toast-body] .toast-title-row > span")) {
    const place = [...node.childNodes].find((each) => each.nodeType === Node.TEXT_NODE && each.nodeValue.trim());
    const text = place?.nodeValue.trim() ?? "";
    const [pattern, key] = TOASTS.find(([each]) => each.test(text)) ?? [];
    if (!key) continue;
    const said = one(`[data-for=${key}]`, words).cloneNode(true);
    const values = { ...pattern.exec(text).groups };
    for (const span of said.children)
      span.textContent = span.textContent.replace(/\{(\w+)\}/g, (_, name) => values[name].replace(/\.0 Mb$/, " MB"));
    place.nodeValue = "";
    place.after(...said.childNodes);
  }
}

// Gradio's messages stand in one place, which is there while there are any.
const messages = new MutationObserver(translateToasts);
new MutationObserver(() => {
  all(".main > .toast-wrap").forEach((place) => messages.observe(place, { childList: true, subtree: true }));
  translateToasts();
}).observe(one(".main", container), { childList: true });

// An upload says of which page it is, since visitors are limited one by one; Gradio tells its session with events alone.
const pageId = crypto.getRandomValues(new Uint32Array(4)).join("-");
const { fetch } = window;
window.fetch = (target, options) => {
  if (!(options?.body instanceof FormData)) return fetch(target, options);
  const headers = new Headers(options.headers);
  headers.set("x-unlabeled-page", pageId);
  return fetch(target, { ...options, headers });
};
