/** What the tree of a formula says, and what it comes to; ops/formulas/formula.py. */
import { Misread, WORD, quoteName, quoteText, type Node, type Test } from "./syntax.ts";

/** The tree as a formula. */
export function show(node: Node): string {
  const inner = (one: Node, ...kinds: Node["kind"][]): string =>
    kinds.includes(one.kind) ? `(${show(one)})` : show(one);
  switch (node.kind) {
    case "number":
      return String(node.value);
    case "item":
      return `@${node.id}`;
    case "mean":
      return `mean(${node.where})`;
    case "mix":
      return `mix(${node.parts.map(show).join(", ")})`;
    case "random":
      return `random(${node.seed})`;
    case "dim":
      return `dim(${node.index})`;
    case "typed":
      return `${node.of}(${quoteText(node.text)})`;
    case "named": {
      const name = WORD.test(node.name) ? node.name : quoteName(node.name);
      return node.value === null
        ? name
        : `${name}=${WORD.test(node.value) ? node.value : quoteText(node.value)}`;
    }
    case "product":
      return node.factors.map((factor) => inner(factor, "minus", "sum", "product")).join("*");
    case "minus":
      return `-${inner(node.node, "minus", "sum")}`;
    case "sum": {
      const texts = node.terms.map((term) => inner(term, "sum"));
      return node.terms
        .map((term, i) =>
          i ? (term.kind === "minus" ? ` - ${(texts[i] as string).slice(1)}` : ` + ${texts[i]}`) : texts[i],
        )
        .join("");
    }
  }
}

export function leaves(node: Node): Node[] {
  if (node.kind === "mix") return node.parts.flatMap(leaves);
  if (node.kind === "sum") return node.terms.flatMap(leaves);
  if (node.kind === "product") return node.factors.flatMap(leaves);
  return node.kind === "minus" ? leaves(node.node) : [node];
}

/** What a formula's names stand for. */
export interface Names {
  item(id: number): Float32Array;
  mean(where: string, test: Test): Float32Array;
  mix(points: Float32Array[]): Promise<Float32Array>;
  random(seed: number): Float32Array;
  dimension(index: number): Float32Array;
  typed(of: string, text: string, at: number): Promise<Float32Array>;
  direction(name: string, value: string | null, at: number): Float32Array;
}

/** A vector and the summed weight of the places in it: 1 a place, 0 a change. */
export interface Sum {
  vector: Float32Array;
  weight: number;
}

export async function evaluate(tree: Node, names: Names): Promise<Sum> {
  const value = await valueOf(tree, names);
  if (typeof value === "number")
    throw new Misread(
      `formula '${show(tree)}' is a number; wanted items and directions, such as @12 + 1.5*smile`,
    );
  if (!value.vector.every(Number.isFinite))
    throw new Misread(`formula '${show(tree)}' runs to infinity; use smaller numbers`);
  return value;
}

async function valueOf(node: Node, names: Names): Promise<number | Sum> {
  const place = (vector: Float32Array): Sum => ({ vector, weight: 1 });
  const times = (by: number, { vector, weight }: Sum): Sum => ({
    vector: vector.map((x) => by * x),
    weight: by * weight,
  });
  switch (node.kind) {
    case "number":
      return node.value;
    case "named":
      return { vector: names.direction(node.name, node.value, node.at), weight: 0 };
    case "dim":
      return { vector: names.dimension(node.index), weight: 0 };
    case "item":
      return place(names.item(node.id));
    case "mean":
      return place(names.mean(node.where, node.test));
    case "random":
      return place(names.random(node.seed));
    case "typed":
      return place(await names.typed(node.of, node.text, node.at));
    case "mix": {
      const parts: Float32Array[] = [];
      for (const part of node.parts) parts.push(await point(part, names));
      return place(await names.mix(parts));
    }
    case "minus": {
      const value = await valueOf(node.node, names);
      return typeof value === "number" ? -value : times(-1, value);
    }
    case "product": {
      let [number, found]: [number, Sum | null] = [1, null];
      for (const factor of node.factors) {
        const value = await valueOf(factor, names);
        if (typeof value === "number") number *= value;
        else if (found)
          throw new Misread(
            `formula '${show(node)}' multiplies two items or directions; only a number can multiply, as ` +
              `in 1.5*smile`,
          );
        else found = value;
      }
      if (!Number.isFinite(number))
        throw new Misread(`formula '${show(node)}' runs to infinity; use smaller numbers`);
      return found ? times(number, found) : number;
    }
    case "sum": {
      const values: (number | Sum)[] = [];
      for (const term of node.terms) values.push(await valueOf(term, names));
      const sums = values.filter((value): value is Sum => typeof value !== "number");
      if (!sums.length) return (values as number[]).reduce((a, b) => a + b, 0);
      if (sums.length < values.length)
        throw new Misread(
          `formula '${show(node)}' adds a number to an item or a direction; a number multiplies, as in ` +
            `0.5*smile`,
        );
      const vector = new Float32Array((sums[0] as Sum).vector.length);
      for (const one of sums) one.vector.forEach((x, i) => (vector[i]! += x));
      return { vector, weight: sums.reduce((total, one) => total + one.weight, 0) };
    }
  }
}

/** The latent of a formula that is a place. */
export async function point(tree: Node, names: Names): Promise<Float32Array> {
  const { vector, weight } = await evaluate(tree, names);
  if (Math.abs(weight) < 1e-6)
    throw new Misread(
      `formula '${show(tree)}' is a change with no item to start from; write for example @12 + ` +
        `${tree.kind === "minus" ? `(${show(tree)})` : show(tree)}`,
    );
  if (Math.abs(weight - 1) > 1e-6)
    throw new Misread(
      `formula '${show(tree)}': the weights of its items add up to ${Number(weight.toPrecision(6))}, ` +
        `wanted 1; write for example 0.5*@1 + 0.5*@2 or mix(@1, @2)`,
    );
  return vector;
}
