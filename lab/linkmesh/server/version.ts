declare const LINKMESH_VERSION: string | undefined;

/** Set by the bundler. The sources have no version. */
export const VERSION = typeof LINKMESH_VERSION === "string" ? LINKMESH_VERSION : "0.0.0~source";
