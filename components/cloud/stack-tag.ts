/**
 * The tag on every resource of a stack that can be tagged, with the value of its data tag, "project/stack/name". It finds
 * resources that a killed engine has created and that are missing in the state.
 */
export const STACK_TAG = "linkmesh-proxy-stack";

/** The tag that only a stack's data volume and its snapshots have. */
export const DATA_TAG = "linkmesh-proxy";
