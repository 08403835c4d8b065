/** The policy document that lets a service of AWS's, as "ec2.amazonaws.com", take a role. Pure. */
export function trustPolicy(service: string): string {
    return JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: service } }],
    });
}
