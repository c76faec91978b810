"""Times a step of the prototype of sliced losses, whose folder is the first argument: one line of JSON."""
import argparse, json, os, resource, statistics, sys, time, types

parser = argparse.ArgumentParser()
parser.add_argument("folder")
for name in ("--size", "--batch", "--threads", "--runs"):
    parser.add_argument(name, type=int)
args = parser.parse_args()

# The prototype reads pictures by relative paths, and a module that it takes everything from is not kept with it.
os.chdir(args.folder)
sys.path.insert(0, args.folder)
import lib2

sys.modules["gen"] = types.SimpleNamespace(**vars(lib2), __all__=[n for n in vars(lib2) if n[0] != "_"])
import sw

kinds = (("rand", 5, 5), ("rand", 7, 4), ("pat", 7, 6), ("pat", 11, 7), ("col", 1, 3))
exemplar = sw.getex("bricks", 1)
bank = sw.Bank2(exemplar, args.size, kinds=kinds)
starts = []


def timed(pictures):
    starts.append(time.perf_counter())
    return bank(pictures)


sys.stdout = sys.stderr
sw.trainG(sw.GenR(), exemplar, timed, args.size, 0, lr=0.004, its=args.runs + 3)
steps = [1e3 * (b - a) for a, b in zip(starts[2:], starts[3:])]
sys.stdout = sys.__stdout__
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"work": "step", "median_ms": statistics.median(steps), "peak_rss_mib": round(peak)}))
