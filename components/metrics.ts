/** The CloudWatch namespace of the machine's own metrics. */
export const NAMESPACE = "LinkMeshProxy";

/** Items of the machine's program `health` that have an alarm, each with what is wrong when it rings. */
export const WATCHED_ITEMS = {
    linkmesh: "LinkMesh does not answer on its machine",
    certificate: "the certificate ends soon, or nginx shows none",
    renewal: "the certificate could not be renewed",
    disk: "a disk is nearly full, or the data volume is not mounted",
} as const;
