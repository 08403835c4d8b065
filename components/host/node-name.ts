/**
 * The name of one of several machines, as "node-2", from the prefix of its resources' names. Undefined if the stack has one
 * machine.
 */
export function nodeName(host: string): string | undefined {
    return /(?:^|-)(node-\d+)$/.exec(host)?.[1];
}

/** A step as messages name it: "nginx", or with several machines "nginx on node-2". */
export function stepTitle(host: string, step: string): string {
    const node = nodeName(host);
    return node === undefined ? step : `${step} on ${node}`;
}

/** A machine as messages name it. */
export function machineTitle(host: string): string {
    const node = nodeName(host);
    return node === undefined ? "the machine" : `the machine ${node}`;
}
