/** Layers and zoom, in the corner of the map. */
import { zoomAt } from "../scales.ts";
import { able, camera, change, doc, layout, size, space, tool, turn } from "../state.ts";
import { flyHome } from "./actions.ts";
import { Button } from "./components.tsx";
import { hovers, turnHovers } from "./Hear.tsx";
import { limits } from "./moving.ts";
import { musical } from "./player.ts";

export function zoom(factor: number): void {
  const at = camera.value;
  if (at)
    camera.value = zoomAt(at, size.value, size.value.width / 2, size.value.height / 2, factor, limits());
}

export function MapTools() {
  const { points, microscope, method } = doc.value;
  const maps = space.value?.maps ?? [];
  return (
    <div class="tools">
      <div class="group" role="group" aria-label="Layers">
        {able("items") && (
          <Button
            icon="points"
            kind="icon"
            pressed={points}
            onClick={() => turn({ points: !points })}
            aria-label="Real items"
            title="The real items (P)"
          >
            <span class="word">Items</span>
          </Button>
        )}
        <Button
          icon="lattice"
          kind="icon"
          pressed={microscope}
          onClick={() => turn({ microscope: !microscope })}
          aria-label="Microscope: what lies between"
          title="Behind the points: what the model makes of the places between (M)"
        >
          <span class="word">Microscope</span>
        </Button>
        {musical.value && (
          <Button
            icon="sound"
            kind="icon"
            class="hovers"
            pressed={hovers.value}
            onClick={turnHovers}
            aria-label="Hear what the pointer is over"
            title="Hear what the pointer is over, softly (S)"
          >
            <span class="word">Hover</span>
          </Button>
        )}
      </div>
      <div class="group" role="group" aria-label="Zoom">
        <Button icon="plus" kind="icon" onClick={() => zoom(1.6)} aria-label="Zoom in" title="Zoom in (+)" />
        <Button
          icon="minus"
          kind="icon"
          onClick={() => zoom(1 / 1.6)}
          aria-label="Zoom out"
          title="Zoom out (-)"
        />
        <Button
          icon="fit"
          kind="icon"
          onClick={flyHome}
          aria-label="Show the whole map"
          title="Show the whole map (0)"
        />
      </div>
      {maps.length > 1 && (
        <select
          class="method"
          aria-label="Layout of the map"
          title={layout.value?.words ?? ""}
          value={method}
          onChange={(e) => change({ method: e.currentTarget.value as typeof method })}
        >
          {maps.map((name) => (
            <option key={name} value={name}>
              {name === "umap" ? "UMAP" : name === "pca" ? "PCA" : "t-SNE"}
            </option>
          ))}
        </select>
      )}
      {tool.value !== "look" && (
        <Button icon="close" onClick={() => (tool.value = "look")}>
          {tool.value === "other" ? "Stop choosing" : "Stop drawing"}
        </Button>
      )}
    </div>
  );
}
