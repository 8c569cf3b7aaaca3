/** The kinds that are not Kubernetes' own, by their published types. */
import type { ICertificate } from "@kubernetes-models/cert-manager/cert-manager.io/v1/Certificate";
import type { IPrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import type { IServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";

export type CustomResource = {
  readonly Certificate: ICertificate;
  readonly PrometheusRule: IPrometheusRule;
  readonly ServiceMonitor: IServiceMonitor;
};
