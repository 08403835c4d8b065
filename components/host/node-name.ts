/** How resources and messages name a machine. */
export interface MachineName {
    /** The prefix of its steps' resource names. */
    readonly prefix: string;
    /** One of several machines, as "node-2". Undefined if the stack has one. */
    readonly node: string | undefined;
}

/** A step as messages name it: "nginx", or with several machines "nginx on node-2". */
export function stepTitle({ node }: Pick<MachineName, "node">, step: string): string {
    return node === undefined ? step : `${step} on ${node}`;
}

/** A machine as messages name it. */
export function machineTitle({ node }: Pick<MachineName, "node">): string {
    return node === undefined ? "the machine" : `the machine ${node}`;
}
