/** The little of WebGL2 that the layers share. */

export interface Program {
  program: WebGLProgram;
  /** Locations of uniforms by name. */
  at: Record<string, WebGLUniformLocation | null>;
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
  const shaders = ([[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const).map(([kind, text]) => {
    const shader = gl.createShader(kind) as WebGLShader;
    gl.shaderSource(shader, `#version 300 es\nprecision highp float;\nprecision highp sampler2DArray;\n${text}`);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    return shader;
  });
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error([...shaders.map((shader) => gl.getShaderInfoLog(shader)), gl.getProgramInfoLog(program)].filter(Boolean).join(" ") || "a program does not link");
  }
  const at: Program["at"] = {};
  const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) as number;
  for (let i = 0; i < count; i++) {
    const name = gl.getActiveUniform(program, i)?.name ?? "";
    at[name] = gl.getUniformLocation(program, name);
  }
  return { program, at };
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
  const location = gl.getAttribLocation(program.program, name);
  if (location < 0) return;
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.enableVertexAttribArray(location);
  gl.vertexAttribPointer(location, width, type, false, stride, offset);
}
