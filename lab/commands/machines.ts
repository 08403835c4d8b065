import { type CloudState, type Instance, programInstances } from "../cloud/state.ts";
import { nodeName, resourceName, typeOf } from "../engine/stages.ts";
import { readCheckpoint, workspaceOf } from "../engine/workspace.ts";
import { type Lab, LabError } from "../lab.ts";

/** A machine of the program in the cloud. */
export interface ProgramMachine {
    /** As "node-2". Undefined if the program has one machine. */
    name?: string;
    instance: Instance;
}

/** The program's machines, by the names that the engine's state has of them. What a killed `up` has left counts only alone. */
export function programMachines(lab: Lab, state: CloudState): ProgramMachine[] {
    const resources = readCheckpoint(workspaceOf(lab))?.resources ?? [];
    const names = new Map(
        resources
            .filter(({ urn }) => typeOf(urn) === "aws:ec2/instance:Instance")
            .map(({ urn, id }) => [id, resourceName(urn).replace(/-instance$/, "")]),
    );
    const all = programInstances(state);
    const known = all.filter(({ id }) => names.has(id));
    const machines = known.length > 0 ? known : all;
    const nameOf = ({ id }: Instance) => {
        const resource = names.get(id);
        return nodeName(resource ?? "") ?? (machines.length > 1 ? (resource ?? id) : undefined);
    };
    return machines
        .map((instance) => ({ name: nameOf(instance), instance }))
        .sort((a, b) => (a.name ?? "").localeCompare(b.name ?? "", "en", { numeric: true }));
}

const NO_MACHINE = "the lab has no machine: `npm run lab -- up` makes one";

/** All machines, or the one with a name. @throws LabError if there is none */
export function chooseMachines<T extends { name?: string }>(machines: readonly T[], name?: string): readonly T[] {
    if (name === undefined) return machines;
    const chosen = machines.filter((machine) => machine.name === name);
    if (chosen.length > 0) return chosen;
    if (machines.length === 0) throw new LabError(NO_MACHINE);
    throw new LabError(
        machines.some((machine) => machine.name !== undefined)
            ? `the stack has no machine ${name}: it has ${listed(machines)}`
            : `the stack has one machine: leave --machine ${name} out`,
    );
}

/** The machine that a command is for. @throws LabError if it is not clear which */
export function chooseMachine<T extends { name?: string }>(machines: readonly T[], name?: string): T {
    const [first, second] = chooseMachines(machines, name);
    if (!first) throw new LabError(NO_MACHINE);
    if (!second) return first;
    throw new LabError(`the stack has several machines: name one of ${listed(machines)} with --machine`);
}

function listed(machines: readonly { name?: string }[]): string {
    return machines.map(({ name }) => name).join(", ");
}
