// Pulumi starts the policy pack here. Its own TypeScript compiler handles CommonJS only, so tsx loads the modules.
module.exports = import("tsx").then(() => import("./pack.ts"));
