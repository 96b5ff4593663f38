/** The little of WebGL2 that the layers share. */

export interface Program {
  program: WebGLProgram;
  /** Names of the attributes, in the order of their locations. */
  inputs: readonly string[];
  /**
   * Locations of uniforms by name. The first look waits until the program is compiled, which goes on beside
   * all else until then.
   */
  readonly at: Record<string, WebGLUniformLocation | null>;
}

const built = new WeakMap<WebGL2RenderingContext, Map<string, Program>>();

/** A program of two shaders; the same one where it has been built before. */
export function build(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const programs = built.get(gl) ?? new Map<string, Program>();
  built.set(gl, programs);
  const made = programs.get(vertex + fragment) ?? link(gl, vertex, fragment);
  programs.set(vertex + fragment, made);
  return made;
}

function link(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const program = gl.createProgram();
  const shaders = (
    [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const
  ).map(([kind, text]) => {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(
      shader,
      `#version 300 es\nprecision highp float;\nprecision highp sampler2DArray;\n${text}`,
    );
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    return shader;
  });
  const inputs = Array.from(vertex.matchAll(/\bin \w+ (\w+);/g), ([, name]) => name as string);
  inputs.forEach((name, i) => gl.bindAttribLocation(program, i, name));
  gl.linkProgram(program);
  let at: Program["at"] | null = null;
  const uniforms = (): Program["at"] => {
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      throw new Error(
        [...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)]
          .filter(Boolean)
          .join(" ") || "a program does not link",
      );
    }
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) as number;
    const names = Array.from({ length: count }, (_, i) => gl.getActiveUniform(program, i)?.name ?? "");
    return Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
  };
  return {
    program,
    inputs,
    get at() {
      return (at ??= uniforms());
    },
  };
}

/** Feeds a buffer to an attribute: `width` numbers from `offset` (bytes), one set for each vertex. */
export function feed(
  gl: WebGL2RenderingContext,
  program: Program,
  name: string,
  buffer: WebGLBuffer,
  width: number,
  type: number = gl.FLOAT,
  stride = 0,
  offset = 0,
): void {
  const location = program.inputs.indexOf(name);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, width, type, false, stride, offset);
}
