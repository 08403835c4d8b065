declare const LINKMESH_VERSION: string | undefined;

/** Set by the bundler; the sources themselves have none. */
export const VERSION = typeof LINKMESH_VERSION === "string" ? LINKMESH_VERSION : "0.0.0~source";
