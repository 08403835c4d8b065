/** The CloudWatch namespace of the machine's own metrics. */
export const NAMESPACE = "LinkMeshProxy";

/** Items of the machine's program `health` that have an alarm, each with what is wrong when it rings. */
export const WATCHED_ITEMS = {
    linkmesh: "LinkMesh does not answer on its machine",
    certificate: "the certificate ends soon or is not the one on the disk",
    renewal: "the certificate could not be renewed",
    disk: "the data volume is nearly full",
} as const;
