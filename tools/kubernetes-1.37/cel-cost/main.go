// Says of admission policies what only Kubernetes' own code knows: which versions of Kubernetes take each expression, and
// what each costs on given objects. scripts/cel-cost.ts starts it and reads what it writes.
//
// In: {"minors": [30], "policies": [...], "objects": [{"object": {}, "oldObject": {}, "resource": "pods"}]}
// Out: {"policies": [{"name": "", "refusedBy": {"30": ""}, "costs": [{"expression": "", "cost": 0, "error": ""}]}]}
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admission/v1"
	v1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugin "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Any expression, with a name for people.
type expression struct {
	name, text string
	types      []*cel.Type
}

func (e expression) GetName() string          { return e.name }
func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return e.types }

type input struct {
	Minors   []uint            `json:"minors"`
	Policies []json.RawMessage `json:"policies"`
	Objects  []struct {
		Resource  string                     `json:"resource"`
		Object    *unstructured.Unstructured `json:"object"`
		OldObject *unstructured.Unstructured `json:"oldObject"`
	} `json:"objects"`
}

type cost struct {
	Expression string `json:"expression"`
	Cost       int64  `json:"cost"`
	Error      string `json:"error,omitempty"`
}

type report struct {
	Name string `json:"name"`
	// The first expression that a version does not take, by its minor version.
	RefusedBy map[uint]string `json:"refusedBy"`
	// The dearest object for each, and under "all" for all of them together.
	Costs []cost `json:"costs"`
}

type policy struct {
	name        string
	resources   map[string]bool
	conditions  []expression
	variables   []expression
	evaluations []expression
	options     plugin.OptionalVariableDeclarations
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fail(err)
	}
	reports := []report{}
	for _, raw := range in.Policies {
		one, err := read(raw)
		if err != nil {
			fail(err)
		}
		reports = append(reports, judge(one, in))
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"policies": reports}); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func read(raw json.RawMessage) (policy, error) {
	var meta metav1.TypeMeta
	if err := json.Unmarshal(raw, &meta); err != nil {
		return policy{}, err
	}
	if meta.Kind == "MutatingAdmissionPolicy" {
		var given v1.MutatingAdmissionPolicy
		if err := json.Unmarshal(raw, &given); err != nil {
			return policy{}, err
		}
		one := start(given.Name, given.Spec.MatchConditions, given.Spec.Variables, given.Spec.MatchConstraints)
		one.options.HasPatchTypes = true
		for index, change := range given.Spec.Mutations {
			patches := cel.ListType(celtypes.NewObjectType("JSONPatch"))
			one.evaluations = append(one.evaluations, expression{fmt.Sprintf("mutation %d", index), change.JSONPatch.Expression, []*cel.Type{patches}})
		}
		return one, nil
	}
	var given v1.ValidatingAdmissionPolicy
	if err := json.Unmarshal(raw, &given); err != nil {
		return policy{}, err
	}
	one := start(given.Name, given.Spec.MatchConditions, given.Spec.Variables, given.Spec.MatchConstraints)
	for _, validation := range given.Spec.Validations {
		one.evaluations = append(one.evaluations, expression{"validation", validation.Expression, []*cel.Type{cel.BoolType}})
		one.evaluations = append(one.evaluations, expression{"message", validation.MessageExpression, []*cel.Type{cel.StringType}})
	}
	for _, annotation := range given.Spec.AuditAnnotations {
		one.evaluations = append(one.evaluations, expression{"audit annotation " + annotation.Key, annotation.ValueExpression, []*cel.Type{cel.StringType, cel.NullType}})
	}
	return one, nil
}

func start(name string, conditions []v1.MatchCondition, variables []v1.Variable, match *v1.MatchResources) policy {
	one := policy{name: name, resources: map[string]bool{}}
	for _, condition := range conditions {
		one.conditions = append(one.conditions, expression{"match condition " + condition.Name, condition.Expression, []*cel.Type{cel.BoolType}})
	}
	for _, variable := range variables {
		one.variables = append(one.variables, expression{variable.Name, variable.Expression, []*cel.Type{cel.AnyType, cel.DynType}})
	}
	for _, rule := range match.ResourceRules {
		for _, resource := range rule.Resources {
			one.resources[resource] = true
		}
	}
	return one
}

// A compiler that knows the variables, and what it did not take.
func compile(one policy, minor uint, kind environment.Type) (*plugin.CompositedCompiler, string) {
	base := environment.MustBaseEnvSet(version.MajorMinor(1, minor))
	compiler, err := plugin.NewCompositedCompiler(base)
	if err != nil {
		fail(err)
	}
	refused := ""
	note := func(e expression, err error) {
		if err != nil && refused == "" {
			refused = e.name + ": " + err.Error()
		}
	}
	// Match conditions know no variables.
	for _, each := range one.conditions {
		result := plugin.NewCompiler(base).CompileCELExpression(each, plugin.OptionalVariableDeclarations{}, kind)
		if result.Error != nil {
			note(each, result.Error)
		}
	}
	for _, each := range one.variables {
		if result := compiler.CompileAndStoreVariable(each, one.options, kind); result.Error != nil {
			note(each, result.Error)
		}
	}
	for _, each := range one.evaluations {
		if result := compiler.CompileCELExpression(each, one.options, kind); result.Error != nil {
			note(each, result.Error)
		}
	}
	return compiler, refused
}

func judge(one policy, in input) report {
	found := report{Name: one.name, RefusedBy: map[uint]string{}}
	for _, minor := range in.Minors {
		if _, refused := compile(one, minor, environment.NewExpressions); refused != "" {
			found.RefusedBy[minor] = refused
		}
	}
	newest := in.Minors[len(in.Minors)-1]
	compiler, refused := compile(one, newest, environment.StoredExpressions)
	if refused != "" {
		return found
	}
	most := map[string]cost{}
	order := []string{}
	add := func(name string, spent int64, err error) {
		if _, known := most[name]; !known {
			order = append(order, name)
		}
		if before, known := most[name]; known && before.Cost >= spent {
			return
		}
		one := cost{Expression: name, Cost: spent}
		if err != nil {
			one.Error = err.Error()
		}
		most[name] = one
	}
	all := []plugin.ExpressionAccessor{}
	for _, each := range one.evaluations {
		all = append(all, each)
	}
	for _, asked := range in.Objects {
		if !one.resources[asked.Resource] {
			continue
		}
		attributes, request, namespace := toRequest(asked.Resource, asked.Object, asked.OldObject)
		run := func(name string, some []plugin.ExpressionAccessor) {
			evaluator := compiler.CompileCondition(some, one.options, environment.StoredExpressions)
			budget := int64(celconfig.RuntimeCELCostBudget)
			ctx := compiler.CreateContext(context.Background())
			results, left, err := evaluator.ForInput(ctx, attributes, request, plugin.OptionalVariableBindings{}, namespace, budget)
			for _, result := range results {
				if err == nil && result.Error != nil {
					err = result.Error
				}
			}
			if left < 0 {
				left = 0
			}
			add(name, budget-left, err)
		}
		for _, each := range one.variables {
			run("variables."+each.name, []plugin.ExpressionAccessor{expression{each.name, "variables." + each.name, each.types}})
		}
		for _, each := range one.evaluations {
			run(each.name, []plugin.ExpressionAccessor{each})
		}
		run("all", all)
	}
	for _, name := range order {
		found.Costs = append(found.Costs, most[name])
	}
	return found
}

func toRequest(resource string, object, old *unstructured.Unstructured) (*admission.VersionedAttributes, *admissionv1.AdmissionRequest, *corev1.Namespace) {
	kind := object.GroupVersionKind()
	where := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: resource}
	operation := admission.Create
	attributes := &admission.VersionedAttributes{VersionedKind: kind}
	attributes.VersionedObject.Set(object)
	if old != nil {
		operation = admission.Update
		attributes.VersionedOldObject.Set(old)
	}
	caller := &user.DefaultInfo{Name: "jane", Groups: []string{"system:authenticated"}}
	attributes.Attributes = admission.NewAttributesRecord(object, old, kind, object.GetNamespace(), object.GetName(), where, "", operation, nil, false, caller)
	request := plugin.CreateAdmissionRequest(attributes.Attributes, metav1.GroupVersionResource(where), metav1.GroupVersionKind(kind))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetNamespace(), Labels: map[string]string{
		"curfew.dev/enforce": "restricted", "curfew.dev/warn": "restricted", "curfew.dev/audit": "restricted", "curfew.dev/mutate": "restricted",
	}}}
	if object.GetNamespace() == "" {
		namespace = nil
	}
	return attributes, request, namespace
}
