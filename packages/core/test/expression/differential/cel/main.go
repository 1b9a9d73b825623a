// Evaluates expressions with cel-go: reads lines {"cel": ..., "vars": {...}} and writes the value of each.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

const most = 1<<53 - 1

// whole is an integer of Millrace: exact to 2^53.
func whole(v int64, fits bool) ref.Val {
	if !fits || v > most || v < -most {
		return types.NewErr("beyond 2^53")
	}
	return types.Int(v)
}

func finite(v float64) ref.Val {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return types.NewErr("no finite number")
	}
	return types.Double(v)
}

func binary(name string, t *cel.Type, result *cel.Type, f func(a, b ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name, []*cel.Type{t, t}, result, cel.BinaryBinding(f)))
}

func unary(name string, t *cel.Type, result *cel.Type, f func(a ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name, []*cel.Type{t}, result, cel.UnaryBinding(f)))
}

func ints(f func(a, b int64) (int64, bool)) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val { return whole(f(int64(a.(types.Int)), int64(b.(types.Int)))) }
}

func doubles(f func(a, b float64) float64) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val { return finite(f(float64(a.(types.Double)), float64(b.(types.Double)))) }
}

func texts(f func(s string) string) func(a ref.Val) ref.Val {
	return func(a ref.Val) ref.Val { return types.String(f(string(a.(types.String)))) }
}

// Decimals, which CEL lacks, are texts here, computed as fractions.
func fraction(v ref.Val) *big.Rat {
	r, ok := new(big.Rat).SetString(string(v.(types.String)))
	if !ok {
		panic("no decimal: " + string(v.(types.String)))
	}
	return r
}

func decimals(f func(r, a, b *big.Rat) *big.Rat) func(a, b ref.Val) ref.Val {
	return func(a, b ref.Val) ref.Val {
		return types.String(f(new(big.Rat), fraction(a), fraction(b)).FloatString(40))
	}
}

func smaller(r, a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func extreme(least bool) func(list ref.Val) ref.Val {
	return func(list ref.Val) ref.Val {
		items := list.(traits.Lister)
		n := int(items.Size().(types.Int))
		if n == 0 {
			return types.NewErr("empty list")
		}
		best := items.Get(types.Int(0)).(types.Int)
		for i := 1; i < n; i++ {
			item := items.Get(types.Int(i)).(types.Int)
			if (item < best) == least {
				best = item
			}
		}
		return best
	}
}

// Where Millrace documents another rule than CEL, the rule is written here once more, in another language.
func environment() (*cel.Env, error) {
	list := cel.ListType(cel.IntType)
	return cel.NewEnv(
		ext.Strings(),
		cel.Variable("i", cel.IntType), cel.Variable("k", cel.IntType),
		cel.Variable("iq", cel.DynType), cel.Variable("sq", cel.DynType),
		cel.Variable("n", cel.DoubleType), cel.Variable("m", cel.DoubleType),
		cel.Variable("s", cel.StringType), cel.Variable("r", cel.StringType),
		cel.Variable("b", cel.BoolType), cel.Variable("c", cel.BoolType),
		cel.Variable("big", cel.IntType), cel.Variable("large", cel.IntType),
		cel.Variable("d", cel.StringType), cel.Variable("w", cel.StringType),
		cel.Variable("t", cel.TimestampType), cel.Variable("u", cel.TimestampType),
		cel.Variable("li", list), cel.Variable("ls", cel.ListType(cel.StringType)),
		binary("iadd", cel.IntType, cel.IntType, ints(func(a, b int64) (int64, bool) { return a + b, true })),
		binary("isub", cel.IntType, cel.IntType, ints(func(a, b int64) (int64, bool) { return a - b, true })),
		binary("imul", cel.IntType, cel.IntType, ints(func(a, b int64) (int64, bool) {
			return a * b, math.Abs(float64(a)*float64(b)) < 1<<62
		})),
		binary("nadd", cel.DoubleType, cel.DoubleType, doubles(func(a, b float64) float64 { return a + b })),
		binary("nsub", cel.DoubleType, cel.DoubleType, doubles(func(a, b float64) float64 { return a - b })),
		binary("nmul", cel.DoubleType, cel.DoubleType, doubles(func(a, b float64) float64 { return a * b })),
		binary("ndiv", cel.DoubleType, cel.DoubleType, doubles(func(a, b float64) float64 { return a / b })),
		unary("upper", cel.StringType, cel.StringType, texts(cases.Upper(language.Und).String)),
		unary("lower", cel.StringType, cel.StringType, texts(cases.Lower(language.Und).String)),
		unary("floored", cel.DoubleType, cel.IntType, func(a ref.Val) ref.Val {
			f := math.Floor(float64(a.(types.Double)))
			return whole(int64(f), math.Abs(f) <= most)
		}),
		unary("ceiled", cel.DoubleType, cel.IntType, func(a ref.Val) ref.Val {
			f := math.Ceil(float64(a.(types.Double)))
			return whole(int64(f), math.Abs(f) <= most)
		}),
		unary("exact", cel.IntType, cel.IntType, func(a ref.Val) ref.Val { return whole(int64(a.(types.Int)), true) }),
		// CEL fails for the least integer and -1.
		binary("bmod", cel.IntType, cel.IntType, func(a, b ref.Val) ref.Val {
			if b.(types.Int) == 0 {
				return types.NewErr("modulus by zero")
			}
			if b.(types.Int) == -1 {
				return types.Int(0)
			}
			return a.(types.Int) % b.(types.Int)
		}),
		binary("dadd", cel.StringType, cel.StringType, decimals((*big.Rat).Add)),
		binary("dsub", cel.StringType, cel.StringType, decimals((*big.Rat).Sub)),
		binary("dmul", cel.StringType, cel.StringType, decimals((*big.Rat).Mul)),
		binary("dmin", cel.StringType, cel.StringType, decimals(smaller)),
		binary("dcompare", cel.StringType, cel.IntType, func(a, b ref.Val) ref.Val {
			return types.Int(fraction(a).Cmp(fraction(b)))
		}),
		unary("least", list, cel.IntType, extreme(true)),
		unary("greatest", list, cel.IntType, extreme(false)),
		cel.Function("cut", cel.Overload("cut", []*cel.Type{cel.StringType, cel.IntType, cel.IntType}, cel.StringType,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				runes := []rune(string(args[0].(types.String)))
				from, to := int(args[1].(types.Int)), int(args[2].(types.Int))
				to = min(to, len(runes))
				if from >= to {
					return types.String("")
				}
				return types.String(string(runes[from:to]))
			}))),
		cel.Function("replaced", cel.Overload("replaced", []*cel.Type{cel.StringType, cel.StringType, cel.StringType},
			cel.StringType, cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				s, part, by := string(args[0].(types.String)), string(args[1].(types.String)), string(args[2].(types.String))
				if part == "" {
					return args[0]
				}
				return types.String(strings.ReplaceAll(s, part, by))
			}))),
	)
}

type question struct {
	Cel  string          `json:"cel"`
	Vars json.RawMessage `json:"vars"`
}

func variables(raw json.RawMessage) (map[string]any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	given := map[string][]any{}
	if err := decoder.Decode(&given); err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name, typed := range given {
		value, err := valueOf(typed[0].(string), typed[1])
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	return values, nil
}

func valueOf(kind string, value any) (any, error) {
	switch kind {
	case "int":
		return json.Number(value.(string)).Int64()
	case "double":
		return json.Number(value.(string)).Float64()
	case "time":
		ms, err := json.Number(value.(string)).Int64()
		return time.UnixMilli(ms).UTC(), err
	case "ints":
		list := []int64{}
		for _, item := range value.([]any) {
			n, err := json.Number(item.(string)).Int64()
			if err != nil {
				return nil, err
			}
			list = append(list, n)
		}
		return list, nil
	case "texts":
		list := []string{}
		for _, item := range value.([]any) {
			list = append(list, item.(string))
		}
		return list, nil
	}
	return value, nil
}

// written is a value as the other side reads it: its kind, and a text.
func written(v ref.Val) (any, error) {
	switch value := v.(type) {
	case types.Int:
		return []any{"int", fmt.Sprint(int64(value))}, nil
	case types.Double:
		return []any{"double", fmt.Sprintf("%x", math.Float64bits(float64(value)))}, nil
	case types.Bool:
		return []any{"bool", bool(value)}, nil
	case types.String:
		return []any{"string", string(value)}, nil
	case types.Timestamp:
		return []any{"time", fmt.Sprint(value.Time.UnixMilli())}, nil
	case types.Duration:
		return []any{"int", fmt.Sprint(value.Duration.Milliseconds())}, nil
	case traits.Lister:
		list := []any{}
		for i, n := 0, int(value.Size().(types.Int)); i < n; i++ {
			item, err := written(value.Get(types.Int(i)))
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return []any{"list", list}, nil
	}
	return nil, errors.New("a value of kind " + v.Type().TypeName())
}

func answer(env *cel.Env, line []byte) (any, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return nil, err
	}
	vars, err := variables(q.Vars)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(q.Cel)
	if issues.Err() != nil {
		return []any{"refused", issues.Err().Error()}, nil
	}
	program, err := env.Program(ast)
	if err != nil {
		return []any{"refused", err.Error()}, nil
	}
	value, _, err := program.Eval(vars)
	if err != nil {
		return []any{"error", err.Error()}, nil
	}
	return written(value)
}

func main() {
	env, err := environment()
	if err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		value, err := answer(env, in.Bytes())
		if err != nil {
			panic(fmt.Sprintf("%s: %v", in.Text(), err))
		}
		text, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		out.Write(append(text, '\n'))
	}
}
