/** Settings that several nodes need besides those of one machine, as values. */
export const TIER_VALUES = {
    nodes: 3,
    linkmeshConfig: { storage: { backend: "mongodb" } },
    linkmeshEnvironment: { LINKMESH_SECRET: "s3cret" },
};

/** Settings that several nodes need besides those of one machine, as texts of the stack's configuration. */
export const TIER = {
    // Of the stack with one machine in program.ts.
    acmeEmail: "",
    nodes: "3",
    linkmeshConfig: '{"storage":{"backend":"mongodb"}}',
    linkmeshEnvironment: '{"LINKMESH_SECRET":"s3cret"}',
};
