/** AWS's list prices in us-east-1, in US dollars. The only place that has prices; costs.ts computes the rest from them. */
export const REGION = "us-east-1";
export const HOURS = 730;

export interface Price {
    readonly dollars: number;
    readonly unit: string;
    /** When the source had it. */
    readonly date: string;
    /** "memory" for a price that nobody has looked up. */
    readonly source: string;
}

const T3_LARGE = {
    unit: "hour",
    date: "2026",
    source: "https://go-cloud.io/?p=10607 (t3.large; half the size costs half)",
};
const T4G = { unit: "hour", date: "2024", source: "memory" };

export const INSTANCE_TYPES: Readonly<Record<string, Price>> = {
    "t3.small": { dollars: 0.0208, ...T3_LARGE },
    "t3.medium": { dollars: 0.0416, ...T3_LARGE },
    "t4g.small": { dollars: 0.0168, ...T4G },
    "t4g.medium": { dollars: 0.0336, ...T4G },
};

export const PRICES = {
    ipv4: {
        dollars: 0.005,
        unit: "hour of a public IPv4 address",
        date: "2024-02-01",
        source: "https://repost.aws/articles/ARknH_OR0cTvqoTfJrVGaB8A",
    },
    gp3: {
        dollars: 0.08,
        unit: "GiB of a volume and month",
        date: "2021-02",
        source: "https://www.saisci.com/aws/gp2-vs-gp3-cost-comparison-ebs-volumes/",
    },
    snapshot: { dollars: 0.05, unit: "GiB of changed data in a snapshot and month", date: "2024", source: "memory" },
    zone: {
        dollars: 0.5,
        unit: "hosted zone and month",
        date: "2025",
        source: "https://eatsip365.com/understanding-how-route-53-billing-works",
    },
    alarm: {
        dollars: 0.1,
        unit: "alarm and month, after 10 for the account",
        date: "undated",
        source: "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm",
    },
    metric: {
        dollars: 0.3,
        unit: "metric and month, after 10 for the account",
        date: "2026-02",
        source: "https://signoz.io/guides/cloudwatch-pricing",
    },
    healthCheck: {
        ...{ dollars: 0.5, unit: "health check of an AWS address and month, after 50 for the account" },
        ...{ date: "2024", source: "memory" },
    },
    healthCheckOption: { dollars: 1, unit: "https in a health check and month", date: "2024", source: "memory" },
    egress: { dollars: 0.09, unit: "GB out, after 100 GB a month for the account", date: "2024", source: "memory" },
    cpuCredit: {
        dollars: 0.05,
        unit: "hour of a CPU above the baseline of a t3",
        date: "2021-08",
        source: "http://matthiaskraaz.blogspot.com/2021/08/aws-ec2-price-of-maxed-out-burstable.html",
    },
    cpuCreditT4g: { dollars: 0.04, unit: "the same of a t4g", date: "2024", source: "memory" },
} as const satisfies Readonly<Record<string, Price>>;

const M7G = {
    date: "2026-06",
    source: "https://c3x.dev/blog/m5-vs-m6i-vs-m7i-cost-performance (m7g.xlarge; half the size costs half)",
};
const BALANCER = {
    date: "2026-09",
    source: "https://aws.amazon.com/elasticloadbalancing/pricing/, as kept in https://github.com/api-evangelist/amazon-elastic-load-balancing",
};

/** Further prices of docs/scale.md, for what the program does not create. */
export const TIER_PRICES = {
    "m7g.large": { dollars: 0.0816, unit: "hour of a m7g.large", ...M7G },
    "m7g.xlarge": { dollars: 0.1632, unit: "hour of a m7g.xlarge", ...M7G },
    "m7g.2xlarge": { dollars: 0.3264, unit: "hour of a m7g.2xlarge", ...M7G },
    hour: {
        ...{ dollars: 0.0225, unit: "hour of a Network Load Balancer", date: "2026-05" },
        source: "https://awsnegotiations.com/elastic-load-balancer-cost.html",
    },
    unit: { dollars: 0.006, unit: "capacity unit of a Network Load Balancer and hour", ...BALANCER },
    crossZone: { dollars: 0.02, unit: "GB between two zones, paid on both sides", date: "2024", source: "memory" },
} as const satisfies Readonly<Record<string, Price>>;
