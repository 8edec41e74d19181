// Defines <data-chart>, which fetches what it is drawn with when the first one is seen, so that a page opens without.
const chartUrl = (name) => new URL(CHART_FILES[name], document.baseURI).href;

const fetchCharts = () => (fetchCharts.done ??= new Promise((done, fail) => {
  for (const name of ["libraryStyle", "style"]) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: chartUrl(name) }));
  }
  const library = Object.assign(document.createElement("script"), { src: chartUrl("library"), onerror: fail });
  library.onload = () => import(chartUrl("draw")).then(done, fail);
  document.head.append(library);
}));

const chartsInView = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) target.show();
}, { rootMargin: "150px" });

customElements.get("data-chart") || customElements.define("data-chart", class extends HTMLElement {
  static observedAttributes = ["spec"];
  #spec = null;
  #at = null;

  constructor() {
    super();
    for (const name of ["spec", "at"]) { // set by a script before the element was defined
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  get spec() { return this.#spec; }
  set spec(spec) {
    this.#spec = spec;
    this.refresh();
  }

  get at() { return this.#at; }
  set at(x) {
    this.#at = x;
    this.drawing?.moved();
  }

  attributeChangedCallback() { this.spec = JSON.parse(this.getAttribute("spec")); }

  connectedCallback() {
    chartsInView.observe(this);
    // Gradio replaces what is inside an element by what its new HTML says, which is nothing.
    this.emptied ??= new MutationObserver(() => { if (!this.firstChild) this.refresh(); });
    this.emptied.observe(this, { childList: true });
  }

  disconnectedCallback() {
    chartsInView.unobserve(this);
    this.emptied.disconnect();
    this.drawing?.end();
    this.drawing = null;
  }

  // After the changes of this moment, of which Gradio makes several one after the other.
  refresh() {
    if (!this.drawing || this.waits) return;
    this.waits = true;
    queueMicrotask(() => {
      this.waits = false;
      this.drawing?.show();
    });
  }

  async show() {
    const { Drawing } = await fetchCharts();
    if (!this.drawing && this.isConnected && this.spec) this.drawing = new Drawing(this);
  }
});
