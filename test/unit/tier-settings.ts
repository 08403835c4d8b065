/** Settings that several nodes need besides those of one machine, as values. */
export const TIER_VALUES = {
    nodes: 3,
    linkmeshConfig: { storage: { backend: "mongodb" } },
    linkmeshEnvironment: { LINKMESH_SECRET: "s3cret" },
};

/** Of 65 characters, one more than a certificate's common name may have. */
export const LONG_NAME = `${"a".repeat(53)}.example.com`;

/** Settings that several nodes need besides those of one machine, as texts of the stack's configuration. */
export const TIER = {
    // Of the stack with one machine in program.ts.
    acmeEmail: "",
    nodes: "3",
    linkmeshConfig: '{"storage":{"backend":"mongodb"}}',
    linkmeshEnvironment: '{"LINKMESH_SECRET":"s3cret"}',
};
