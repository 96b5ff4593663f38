/** The studio: one page over one open space, by itself or in a notebook. */
import { render } from "preact";
import "./style/index.css";
import { begin } from "./notebook.ts";
import { open, watch } from "./state.ts";
import { App } from "./views/App.tsx";

const AT_ONCE = 400; // milliseconds that the map may take to be in the first picture of the page

const show = (): void => render(<App />, document.getElementById("app") as HTMLElement);
if (document.querySelector('meta[name="liminal-host"][content="notebook"]')) {
  show();
  void begin();
} else {
  void Promise.race([open(), new Promise((late) => setTimeout(late, AT_ONCE))]).then(() => {
    show();
    void watch();
  });
}
