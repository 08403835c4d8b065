import { z } from "zod";
import { text, wholeNumber } from "./types.ts";
import { setting } from "./setting.ts";

/** Targets that a load balancer can have with cross-zone load balancing. */
const MOST_TARGETS = 500;
/** Each node is a target of all three listeners, and while nodes are replaced, the new ones are targets beside the old ones. */
const TARGETS_OF_A_NODE = 2 * 3;
const MOST_NODES = Math.floor(MOST_TARGETS / TARGETS_OF_A_NODE);

/** Several machines behind a load balancer. */
export const TIER_SETTINGS = {
    nodes: setting({
        type: "integer",
        description:
            "How many machines run LinkMesh, from 1 to 83. Several stand behind a Network Load Balancer, keep nothing themselves, and share the MongoDB and the Git store that linkmeshConfig names. docs/modes.md has what they need and cost.",
        default: 1,
        example: "3",
        change: ["new machine"],
        changeNote:
            "machines are added or removed; between 1 and several there are other addresses too, and the data volume of the one machine stays in the stack unused",
        schema: wholeNumber(
            1,
            MOST_NODES,
            `must be at most ${MOST_NODES}, because a load balancer has at most ${MOST_TARGETS} targets, and each node is one of up to three listeners, twice over while it is replaced`,
        ),
    }),
    subnetIds: setting({
        type: "array",
        description:
            "Existing public subnets for several machines and their load balancer, one in each availability zone, in any order. If left out, the program creates a VPC with a subnet in up to three zones. For one machine set subnetId instead.",
        default: [],
        example: "subnet-0123456789abcdef0",
        change: ["new machine", "new addresses"],
        schema: z.array(
            text.toLowerCase().regex(/^subnet-[a-f0-9]+$/, "must hold subnet ids such as subnet-0123456789abcdef0"),
        ),
    }),
    drainSeconds: setting({
        type: "integer",
        description:
            "With several nodes: how long one is taken out before its LinkMesh stops, and how long the next one waits when it is well again, in seconds from 30 to 600. The load balancer notices within 20 seconds, and AWS goes on to send new connections for 30 to 40 more.",
        default: 70,
        example: "120",
        change: ["AWS resources change"],
        schema: wholeNumber(30, 600),
    }),
} as const;
