/** AWS keeps the metrics of Route 53's health checks here, whatever the stack's region is. */
export const ROUTE53_REGION = "us-east-1";
