//! Tests of the import on small files made here: what comes through, and what is said about the rest.

use texnet_infer::spec::{Norm, OutputCoding, Padding};
use texnet_infer::{Model, Precision};

use super::import;
use super::writer::{Lua, Network, SIDE, Style, Writer, container, module, sequence};

fn model(style: Style) -> Model {
    import(&Network::file(style)).expect("a network in a style we know")
}

fn message(root: &Lua, flat: &[f32]) -> String {
    import(&Writer::file(root, flat, 8)).expect_err("a network that cannot be expressed").to_string()
}

/// The default network after `change` has worked on every object of a class.
fn changed(class: &str, change: &mut dyn FnMut(&mut Lua)) -> (Lua, Vec<f32>) {
    let (mut root, flat) = Network::build(Style::default());
    visit(&mut root, &mut |lua| {
        if matches!(lua, Lua::Object(name, _) if *name == class) {
            change(lua);
        }
    });
    (root, flat)
}

fn visit(lua: &mut Lua, f: &mut dyn FnMut(&mut Lua)) {
    match lua {
        Lua::Table(entries) => entries.iter_mut().for_each(|(_, value)| visit(value, f)),
        Lua::Object(_, fields) => fields.iter_mut().for_each(|(_, value)| visit(value, f)),
        _ => {}
    }
    f(lua);
}

/// What is said when a field of every object of a class is `value`.
fn with_field(class: &str, field: &str, value: f64) -> String {
    let (root, flat) = changed(class, &mut |lua| {
        if let Lua::Object(_, fields) = lua {
            fields.retain(|(name, _)| *name != field);
            fields.push((field.to_string().leak(), Lua::Number(value)));
        }
    });
    message(&root, &flat)
}

#[test]
fn a_network_of_2016_comes_through_with_its_spec() {
    let model = model(Style { scales: 3, block: &[3, 3, 1], ..Style::default() });
    let spec = model.spec();
    let widths: Vec<_> = spec.scales.iter().map(|s| (s.branch, s.width, s.noise)).collect();
    assert_eq!(widths, [(2, 2, [0.0, 1.0]), (2, 4, [0.0, 1.0]), (2, 6, [0.0, 1.0])]);
    assert_eq!((spec.block.as_slice(), spec.noise_channels, spec.content), ([3, 3, 1].as_slice(), 3, false));
    assert_eq!(
        (spec.norm, spec.padding, spec.output),
        (Norm::Batch, Padding::Circular, OutputCoding::CaffeBgr)
    );
    assert!(spec.join_norm && spec.negative_slope == 0.01 && !model.is_calibrated());
    assert_eq!(model.summary.0["source"], "torch7");
}

#[test]
fn six_input_channels_are_a_photograph_and_noise() {
    let spec = model(Style { inputs: 6, ..Style::default() }).spec().clone();
    assert_eq!((spec.noise_channels, spec.content), (3, true));
}

#[test]
fn weights_are_read_from_their_places_in_the_flat_storage() {
    let model = model(Style::default());
    // The first convolution: 2 x 3 x 3 x 3 weights, then 2 biases, then the norm.
    let at = |name: &str| model.values(name)[0] * 1024.0;
    assert_eq!(at("scale0.side.0.weight"), 0.0);
    assert_eq!(at("scale0.side.0.bias"), 54.0);
    assert_eq!(at("scale0.side.0.norm.gamma"), 56.0);
    assert_eq!(at("scale0.side.0.norm.beta"), 58.0);
    assert_eq!(at("scale0.side.1.weight"), 60.0);
}

#[test]
fn a_norm_declared_too_narrow_runs_on_into_the_flat_storage() {
    let model = model(Style { scales: 3, ..Style::default() });
    let [gamma, beta] = ["gamma", "beta"].map(|part| model.values(&format!("scale2.up.norm.{part}")));
    assert_eq!((gamma.len(), beta.len()), (4, 4));
    let step = 1.0 / 1024.0;
    assert!(gamma.windows(2).chain(beta.windows(2)).all(|pair| pair[1] - pair[0] == step));
    assert_eq!(beta[0], gamma[0] + SIDE as f32 * step, "the shift begins inside the scale's run");
}

#[test]
fn a_storage_too_short_to_run_on_is_named() {
    let (root, mut flat) = changed("nn.SpatialBatchNormalization", &mut |_| {});
    flat.truncate(0);
    assert!(
        message(&root, &flat).contains("modules 1/1/3/2 of shape [2, 3, 3, 3]"),
        "{}",
        message(&root, &flat)
    );
    // The narrow norm moved to the end of the storage.
    let (mut root, flat) = Network::build(Style { scales: 3, ..Style::default() });
    let mut last = None;
    visit(&mut root, &mut |lua| {
        if let Lua::Object("nn.SpatialBatchNormalization", fields) = lua {
            last = Some(());
            for (name, value) in fields {
                if let (&mut "bias", Lua::Tensor(sizes, offset)) = (name, value)
                    && sizes[0] == SIDE
                {
                    *offset = flat.len() as i64 - SIDE;
                }
            }
        }
    });
    let message = message(&root, &flat);
    assert!(last.is_some() && message.contains("is applied to 4 channels: too few follow"), "{message}");
}

#[test]
fn other_joins_matrices_and_old_longs_give_the_same_model() {
    let plain = model(Style { scales: 3, ..Style::default() });
    assert_eq!(model(Style { scales: 3, join_table: true, ..Style::default() }), plain);
    assert_eq!(model(Style { scales: 3, matrices: true, ..Style::default() }), plain);
    let (root, flat) = Network::build(Style { scales: 3, ..Style::default() });
    assert_eq!(import(&Writer::file(&root, &flat, 4)), Ok(plain));
}

#[test]
fn a_side_joined_first_moves_its_weights_behind_the_others() {
    let style = Style { scales: 3, ..Style::default() };
    let (plain, turned) = (model(style), model(Style { side_first: true, ..style }));
    let name = "scale2.join.0.weight";
    let [inputs, area, side] = [6, 9, 2];
    for output in 0..6 {
        let filter = |model: &Model| model.values(name)[output * inputs * area..][..inputs * area].to_vec();
        let mut expected = filter(&plain);
        expected.rotate_left(side * area);
        assert_eq!(filter(&turned), expected);
    }
}

#[test]
fn paddings_and_norms_of_other_kinds_are_known() {
    let padding = |class| model(Style { padding: class, ..Style::default() }).spec().padding;
    assert_eq!(padding(Some("nn.SpatialReflectionPadding")), Padding::Reflect);
    assert_eq!(padding(Some("nn.SpatialReplicationPadding")), Padding::Replicate);
    assert_eq!(padding(Some("nn.SpatialZeroPadding")), Padding::Zero);
    assert_eq!(padding(None), Padding::Zero);
    let instance = Style { norm: "nn.InstanceNormalization", narrow: false, ..Style::default() };
    assert_eq!(model(instance).spec().norm, Norm::Instance);
}

#[test]
fn one_scale_is_a_network_too() {
    assert_eq!(model(Style { scales: 1, ..Style::default() }).spec().scales.len(), 1);
}

#[test]
fn another_epsilon_goes_into_the_weights_before_it() {
    let style = Style::default();
    let (plain, other) = (model(style), model(Style { eps: [4e-5, 16e-5], ..style }));
    let ratio = |name: &str| other.values(name)[1] / plain.values(name)[1];
    let near =
        |name: &str, factor: f32| assert!((ratio(name) - factor).abs() < 1e-6, "{name}: {}", ratio(name));
    near("scale0.side.0.weight", 0.5);
    near("scale0.side.0.bias", 0.5);
    near("scale0.side.0.norm.gamma", 1.0);
    near("scale0.side.1.norm.gamma", 0.25);
    near("scale1.side.1.norm.beta", 0.25);
    near("scale1.up.norm.gamma", 1.0);
    near("scale1.join.1.norm.gamma", 1.0);
    assert!(with_field("nn.SpatialBatchNormalization", "eps", 0.0).contains("has eps = 0"));
}

#[test]
fn a_module_that_cannot_be_expressed_is_named_with_its_place() {
    let (root, flat) = changed("nn.LeakyReLU", &mut |lua| *lua = module("nn.Foo", &[]));
    let error = message(&root, &flat);
    assert!(error.starts_with("unknown module nn.Foo at modules 1/1/5:"), "{error}");
    assert!(with_field("nn.SpatialConvolution", "kW", 5.0).contains("has a 3x5 kernel"));
    assert!(with_field("nn.SpatialConvolution", "dW", 2.0).contains("dW = 2, but only 1"));
    assert!(with_field("nn.SpatialConvolution", "padW", 1.0).contains("padH = 0, but only 1"));
    assert!(with_field("nn.SpatialConvolution", "nInputPlane", 4.5).contains("nInputPlane = 4.5"));
    assert!(with_field("nn.SpatialConvolution", "nOutputPlane", 9.0).contains("modules 1/1/6/2 takes 2"));
    assert!(with_field("nn.SpatialUpSamplingNearest", "scale_factor", 4.0).contains("scale_factor = 4"));
    assert!(with_field("nn.SpatialAveragePooling", "kW", 8.0).contains("kH = 2, but only 8"));
    assert!(with_field("nn.Concat", "dimension", 3.0).contains("joins dimension 3"));
    assert!(with_field("nn.SpatialCircularPadding", "pad_l", 2.0).contains("pad_r = 1, but only 2"));
}

#[test]
fn trees_that_are_no_pyramid_are_refused_with_a_sentence() {
    let without = |class: &str| {
        let (root, flat) = changed(class, &mut |lua| *lua = module("nn.Identity", &[]));
        message(&root, &flat)
    };
    assert!(without("nn.SpatialCircularPadding").contains("0 pixels of padding"));
    assert!(without("nn.SpatialUpSamplingNearest").contains("not exactly one is upsampled"));
    assert!(without("nn.SpatialAveragePooling").contains("pooling by 1, but 2 is needed"));
    assert!(without("nn.SpatialConvolution").contains("not followed by a convolution"));
    assert!(without("nn.Concat").contains("4 input channels with 0 of noise"));
    let refused = |root: &Lua, words: &str| {
        let error = message(root, &[]);
        assert!(error.contains(words), "{error}");
    };
    refused(&sequence(Vec::new()), "no convolution");
    refused(
        &sequence(vec![module("nn.JoinTable", &[("dimension", 2.0)])]),
        "does not follow an nn.ConcatTable",
    );
    refused(&sequence(vec![container("nn.ConcatTable", Vec::new(), Vec::new())]), "no nn.JoinTable joins");
    refused(&module("nn.Sequential", &[]), "has no table of modules");
    refused(&sequence(vec![Lua::Number(1.0)]), "no Torch7 module at modules 1");
    refused(&Lua::Nil, "no Torch7 module at the root");
}

#[test]
fn cycles_end_in_an_error() {
    // The root is node 1, its fields node 2, its modules node 3.
    let itself = sequence(vec![Lua::Reference(1)]);
    assert!(message(&itself, &[]).contains("nests them more than"));
    let table = Lua::Object("nn.Sequential", vec![("modules", Lua::Reference(2))]);
    assert!(message(&table, &[]).contains("no convolution"));
}

#[test]
fn modules_that_multiply_by_reference_are_limited() {
    let twice = |children: Vec<Lua>| container("nn.ConcatTable", children, Vec::new());
    // Each container holds a new one and that same one again: 2^40 modules in 40. Indices count up by three.
    let root = (0..40)
        .rev()
        .fold(twice(Vec::new()), |inner, level| twice(vec![inner, Lua::Reference(3 * (level + 1) + 1)]));
    assert!(message(&root, &[]).contains("more than 10000 modules"), "{}", message(&root, &[]));
}

#[test]
fn a_file_cut_short_anywhere_is_an_error() {
    let bytes = Network::file(Style::default());
    for end in 0..bytes.len() {
        assert!(import(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn any_byte_changed_gives_a_model_that_keeps_in_our_format_or_an_error() {
    let bytes = Network::file(Style::default());
    for at in 0..bytes.len() {
        for value in [0xff, bytes[at] ^ 1] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            if let Ok(model) = import(&damaged) {
                assert_eq!(Model::from_bytes(&model.to_bytes(Precision::F32)), Ok(model), "byte {at}");
            }
        }
    }
}

#[test]
fn hostile_sizes_are_refused_before_anything_is_allocated() {
    let int = |values: &[i32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    let refused = |bytes: Vec<u8>, words: &str| {
        let error = import(&bytes).expect_err("hostile").to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(int(&[2, i32::MAX]), "2147483647 bytes are announced at byte 8 of the Torch7 file, but 0 follow");
    refused(int(&[2, -1]), "length of a string before byte 8 of the Torch7 file is -1");
    refused(int(&[3, 1, i32::MAX]), "but 0 follow");
    refused(int(&[3, 1, -5]), "size of a table");
    refused(int(&[0x0a34]), "no binary Torch7 file");
    refused(int(&[3, 1, 1, 99]), "unknown type 99");
    let object =
        |class: &str| [int(&[4, 1, 3]), b"V 1".to_vec(), int(&[class.len() as i32]), class.into()].concat();
    refused([object("torch.FloatStorage"), (i64::MAX).to_le_bytes().into()].concat(), "bytes are announced");
    refused([object("torch.FloatTensor"), int(&[i32::MAX])].concat(), "2147483647 dimensions");
    refused(object(&"x".repeat(1000)), "name of a class before");
    refused([object("torch.QuatStorage"), vec![0; 8]].concat(), "unknown type 'Quat'");
}

#[test]
fn values_nested_too_deep_are_refused() {
    let bytes: Vec<u8> = (1..100_000).flat_map(|i| [3, i, 1]).flat_map(i32::to_le_bytes).collect();
    assert!(import(&bytes).expect_err("too deep").to_string().contains("nested more than 200 deep"));
}

#[test]
fn functions_in_a_file_are_passed_over() {
    let mut bytes = Network::file(Style::default());
    // The root's table of fields gets a second entry, a function under the key `hook`.
    let fields = b"nn.Sequential".len() + 4 * 7 + 3;
    assert_eq!(bytes[fields - 4..][..4], 1_i32.to_le_bytes(), "one field");
    bytes[fields - 4] = 2;
    let key = [2_i32, 4].map(i32::to_le_bytes).concat();
    // Type, index, length of the bytecode, one byte of it, nil.
    let function = [&[8, 1 << 24, 1].map(i32::to_le_bytes).concat()[..], &[7], &[0; 4]].concat();
    let hook = [&key[..], b"hook", &function];
    bytes.splice(fields..fields, hook.concat());
    assert_eq!(import(&bytes), Ok(model(Style::default())));
}

#[test]
fn a_tensor_outside_its_storage_is_refused() {
    let (root, flat) = changed("nn.SpatialConvolution", &mut |lua| {
        if let Lua::Object(_, fields) = lua {
            for (_, value) in fields {
                if let Lua::Tensor(_, offset) = value {
                    *offset = 1 << 40;
                }
            }
        }
    });
    assert!(message(&root, &flat).contains("lies outside its storage"), "{}", message(&root, &flat));
}
