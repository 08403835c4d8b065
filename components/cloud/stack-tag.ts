/**
 * The tag that all of a stack carries, with the value of its data tag, "project/stack/name": what an engine that was killed
 * has made, and the state does not know of, is found by it.
 */
export const STACK_TAG = "linkmesh-proxy-stack";
