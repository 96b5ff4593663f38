/** What one can do and with which keys. */
import { useEffect, useRef } from "preact/hooks";
import { title } from "../names.ts";
import { help, space } from "../state.ts";
import { Button } from "./components.tsx";
import { KEYS } from "./hotkeys.ts";

export function Help() {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => box.current?.showModal(), []);
  const close = () => (help.value = false);
  return (
    <dialog
      class="help"
      ref={box}
      onClose={close}
      onClick={(event) => event.target === box.current && close()}
      aria-labelledby="help-title"
    >
      <div class="help-inner">
        <Button kind="icon" icon="close" aria-label="Close" onClick={close} />
        <h1 id="help-title">How this works</h1>
        <p>
          The map shows every item of {title(space.value?.name ?? "")}. What lies behind the points (the
          microscope) is no real item: the model makes it for the places between. Where they are hatched,
          nothing real is near.
        </p>
        <dl class="keys">
          {KEYS.map(([key, words]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
        <p class="fine">
          Support is the share of held-out real items that lie further out than a place does: below 5 % it is
          beyond the data. The address of this page holds all that you see. Liminal {space.value?.version}.
        </p>
      </div>
    </dialog>
  );
}
