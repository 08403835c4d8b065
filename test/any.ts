import fc from "fast-check";

// The values that stand for all are the same each time, so that a test fails for a change and not by chance. LINKMESH_SEED=N
// takes others.
fc.configureGlobal({ seed: Number(process.env.LINKMESH_SEED ?? 1) });

export { default } from "fast-check";
