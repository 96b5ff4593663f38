/** The studio: one page over one open space. */
import { render } from "preact";
import "./style/base.css";
import "./style/map.css";
import "./style/panel.css";
import { open, watch } from "./state.ts";
import { App } from "./views/App.tsx";

render(<App />, document.getElementById("app") as HTMLElement);
void open();
void watch();
