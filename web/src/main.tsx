/** The studio: one page over one open space, by itself or in a notebook. */
import { render } from "preact";
import "./style/base.css";
import "./style/map.css";
import "./style/panel.css";
import { begin } from "./notebook.ts";
import { open, watch } from "./state.ts";
import { App } from "./views/App.tsx";

render(<App />, document.getElementById("app") as HTMLElement);
if (document.querySelector('meta[name="liminal-host"][content="notebook"]')) void begin();
else {
  void open();
  void watch();
}
