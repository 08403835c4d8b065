import { STEPS } from "../components/host/steps.ts";

/** The steps that a usual machine lacks and one behind a load balancer has; with MongoDB, one machine has first-start as well. */
export const BALANCED_STEPS = ["node", "first-start", "in-service"];

/** The steps of a stack with a certificate from an authority, without linkmeshFiles, alarms and sessionManager, in their order. */
export const USUAL_STEPS = Object.keys(STEPS).filter(
    (name) => ![...BALANCED_STEPS, "own-certificate", "files", "session-manager", "metrics"].includes(name),
);
