/** The fields of a PodSpec that a pod of these tests is made from. */
type Items = readonly { readonly key: string; readonly path: string }[];

export type VolumeSource = {
  readonly secret?: { readonly name: string; readonly items?: Items };
  readonly configMap?: { readonly name: string; readonly items?: Items };
};

export type Volume = {
  readonly name: string;
  readonly emptyDir?: object;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string; readonly items?: Items; readonly defaultMode?: number };
  readonly projected?: { readonly sources: readonly VolumeSource[]; readonly defaultMode?: number };
};

export type Probe = {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
};

export type Container = {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly protocol: string }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly drop: readonly string[] };
  };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
    readonly readOnly?: boolean;
  }[];
};

export type PodSpec = {
  readonly containers: readonly [Container];
  readonly volumes?: readonly Volume[];
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: { readonly runAsUser: number; readonly runAsGroup: number; readonly fsGroup: number };
};
