// The notebook's side of `widget.py`: a frame with the studio's page, and the messages between that page and Python.
//
// The frame has no origin of its own (sandbox without allow-same-origin): its styles, keys and scripts stay inside, it cannot touch the
// notebook, and it speaks over the one port that it is given here. Downloads are allowed: films and pictures are saved from it.

const WAITS = "The studio appears here when the kernel answers. If it does not, run this cell again: it needs a running kernel.";
const SILENT = "The notebook’s kernel does not answer. It may be busy with another cell; if it was restarted, run this cell again.";
const PATIENCE = 8000; // milliseconds
const MOST = 8 << 20; // bytes of a request: what a notebook's channel carries for certain

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const frame = document.createElement("iframe");
  const note = document.createElement("p");
  const waiting = new Set(); // requests without an answer
  let news = Date.now(); // when the kernel was last heard
  let called = 0; // when it was last called, because it was silent
  let port = null;
  let shown = null;

  frame.title = "Liminal studio";
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.setAttribute("allow", "clipboard-write; fullscreen");
  Object.assign(frame.style, { display: "none", width: "100%", border: "0", borderRadius: "8px", background: "transparent", boxSizing: "border-box" });
  Object.assign(note.style, { margin: "0", padding: "8px 0", font: "14px/1.5 system-ui, sans-serif", opacity: "0.75" });
  note.setAttribute("role", "status");
  el.append(frame, note);

  const say = (text) => ((note.textContent = text), (note.style.display = text ? "block" : "none"));
  const send = (content, buffers = []) => {
    try {
      model.send({ view, ...content }, undefined, buffers);
    } catch {
      say(frame.srcdoc ? SILENT : WAITS); // the channel has gone
    }
  };
  const size = () => (frame.style.height = `${model.get("height")}px`);
  const tell = (content, buffers = []) => port?.postMessage(content, buffers);

  /** What Python sends. Messages go to all views: `view` names one, `by` the one that all others follow. */
  const heard = (content, buffers) => {
    news = Date.now();
    called = 0;
    if (note.textContent === SILENT) say("");
    if (content.kind === "page" && content.view === view && !frame.srcdoc) {
      shown = content.shown;
      frame.title = `Liminal studio: ${content.name}`;
      frame.srcdoc = new TextDecoder().decode(buffers[0]);
      frame.style.display = "block";
      say("");
    } else if (content.kind === "answer" && content.view === view && waiting.delete(content.id)) {
      const body = copy(buffers[0]);
      tell({ ...content, body }, [body]);
    } else if (content.kind === "show" && content.by !== view) {
      const { kind, by, ...patch } = content;
      shown = "hash" in patch ? patch : { ...shown, ...patch };
      tell({ kind: "show", patch, told: by === undefined });
    }
  };

  /** What the frame's page says over its port. */
  const said = ({ data }) => {
    if (data.kind === "ask") {
      const { body, ...content } = data;
      if (body.byteLength > MOST) return tell({ kind: "answer", id: data.id, status: 413, type: "application/json", body: failure() });
      waiting.add(data.id);
      send(content, [body]);
    } else if (data.kind === "drop") {
      if (waiting.delete(data.id)) send(data);
    } else if (data.kind === "shown") {
      const { hash, a, b } = data.shown;
      shown = { hash, a, b };
      send(data);
      model.set("state", hash);
      model.save_changes();
    }
  };

  /** A page that has been loaded, also one that was loaded anew because the notebook moved the frame, asks for its port. */
  const opened = (event) => {
    if (event.source !== frame.contentWindow || event.data !== "liminal: ready") return;
    port?.close();
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = said;
    frame.contentWindow.postMessage({ kind: "begin", shown, dark: dark(el) }, "*", [channel.port2]);
  };

  let night = null;
  const dusk = () => {
    if (night !== dark(el)) tell({ kind: "dark", dark: (night = dark(el)) });
  };
  const theme = new MutationObserver(dusk);
  for (const one of [document.documentElement, document.body]) theme.observe(one, { attributes: true });
  const clock = setInterval(() => {
    if (waiting.size && !called && Date.now() - news > PATIENCE) ((called = Date.now()), send({ kind: "call" }));
    if (called && Date.now() - called > PATIENCE / 2) say(SILENT);
    dusk();
  }, 1000);

  addEventListener("message", opened);
  model.on("msg:custom", heard);
  model.on("change:height", size);
  size();
  const late = setTimeout(() => frame.srcdoc || say(WAITS), 1500);
  send({ kind: "page" });

  return () => {
    clearTimeout(late);
    clearInterval(clock);
    theme.disconnect();
    removeEventListener("message", opened);
    model.off("msg:custom", heard);
    model.off("change:height", size);
    port?.close();
    send({ kind: "gone" });
  };
}

/** A buffer that can be handed over: what comes is a part of a message. */
const copy = (part) => (part ? new Uint8Array(part.buffer ?? part, part.byteOffset ?? 0, part.byteLength).slice().buffer : new ArrayBuffer(0));
const failure = () => new TextEncoder().encode(JSON.stringify({ error: `A notebook takes files of at most ${MOST >> 20} MB.` })).buffer;

/** Whether the notebook is dark: by the first background behind the widget that can be seen. */
function dark(el) {
  for (let at = el; at; at = at.parentElement ?? at.getRootNode().host) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    if (a > 0.5 && r !== undefined) return 0.299 * r + 0.587 * g + 0.114 * b < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export default { render };
