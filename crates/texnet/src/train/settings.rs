//! Presets and single settings: how a configuration is written down, changed and read.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::config::{ConfigError, TrainConfig};

/// Presets by name: each holds its differences from the default, with the reasons.
pub const PRESETS: [(&str, &str); 10] = [
    ("default", include_str!("../../../../presets/default.toml")),
    ("fast", include_str!("../../../../presets/fast.toml")),
    ("fine", include_str!("../../../../presets/fine.toml")),
    ("style", include_str!("../../../../presets/style.toml")),
    ("style-fast", include_str!("../../../../presets/style-fast.toml")),
    ("style-film", include_str!("../../../../presets/style-film.toml")),
    ("style-residual", include_str!("../../../../presets/style-residual.toml")),
    ("style-paper", include_str!("../../../../presets/style-paper.toml")),
    ("paper", include_str!("../../../../presets/paper.toml")),
    ("paper-code", include_str!("../../../../presets/paper-code.toml")),
];

impl TrainConfig {
    /// A preset, changed by settings `key=value`; keys of tables are joined by dots: `schedule.rate=0.002`.
    ///
    /// # Errors
    /// When the preset or a key is unknown, or a value has the wrong type.
    pub fn new(preset: &str, settings: &[String]) -> Result<Self, ConfigError> {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.0).collect();
        let Some((name, text)) = PRESETS.iter().find(|p| p.0 == preset) else {
            let names = names.join(", ");
            return Err(ConfigError::new(format!("there is no preset '{preset}': choose one of {names}")));
        };
        let preset: Table = text.parse().map_err(|e| ConfigError::new(format!("preset '{name}': {e}")))?;
        let named = Table::from_iter([("preset".to_owned(), Value::String((*name).into()))]);
        configured(&Self::default(), &[preset, named], settings)
    }

    /// The configuration that a file of a run holds.
    ///
    /// # Errors
    /// When it is no such file.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text)
            .map_err(|e| ConfigError::new(format!("it holds no configuration: {}", e.message())))
    }

    /// As a file that [`TrainConfig::from_toml`] reads.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|e| ConfigError::new(e.to_string()))
    }
}

/// A configuration, changed by some tables, then by settings `key=value`.
pub(crate) fn configured<T: Serialize + DeserializeOwned>(
    default: &T,
    changes: &[Table],
    settings: &[String],
) -> Result<T, ConfigError> {
    let mut table = Table::try_from(default).map_err(|e| ConfigError::new(e.to_string()))?;
    changes.iter().for_each(|changes| merge(&mut table, changes.clone()));
    settings.iter().try_for_each(|setting| set(&mut table, setting))?;
    table
        .try_into()
        .map_err(|e: toml::de::Error| ConfigError::new(format!("the settings do not fit: {}", e.message())))
}

fn merge(table: &mut Table, changes: Table) {
    for (key, value) in changes {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                table.insert(key, value);
            }
        }
    }
}

fn set(table: &mut Table, setting: &str) -> Result<(), ConfigError> {
    let usage = || {
        ConfigError::new(format!("'{setting}' is no setting: write key=value, such as schedule.rate=0.002"))
    };
    let (keys, value) = setting.split_once('=').ok_or_else(usage)?;
    // A bare word is a string.
    let value: Value = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(value.into()));
    let keys: Vec<&str> = keys.split('.').map(str::trim).collect();
    let (last, path) = keys.split_last().ok_or_else(usage)?;
    let mut at = table;
    for key in path {
        at = at.get_mut(*key).and_then(Value::as_table_mut).ok_or_else(|| unknown(key))?;
    }
    let value = match (at.get(*last), value) {
        // 1 is a number wherever 1.0 is.
        (Some(Value::Float(_)), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, value) => value,
    };
    at.insert((*last).into(), value);
    Ok(())
}

fn unknown(key: &str) -> ConfigError {
    ConfigError::new(format!(
        "there is no table '{key}' in the settings: see the file config.toml of any run"
    ))
}

#[cfg(test)]
mod tests {
    use texnet_infer::Image;
    use texnet_infer::spec::Norm;

    use super::*;

    fn picture(side: usize) -> Image {
        Image::from_fn(side, side, |y, x| [((x * 7 + y * 13) % 32) as f32 / 32.0; 3])
    }

    #[test]
    fn every_preset_resolves_and_survives_a_file() {
        for (name, _) in PRESETS {
            let config = TrainConfig::new(name, &[]).expect(name).resolve(&[picture(64)]).expect(name);
            assert_eq!(config.preset, name);
            assert_eq!(TrainConfig::from_toml(&config.to_toml().expect(name)).expect(name), config);
        }
    }

    #[test]
    fn settings_change_single_values() {
        let settings = ["schedule.rate=1", "size=96", "sliced.strides=[1]", "norm=batch"].map(String::from);
        let config = TrainConfig::new("default", &settings).expect("settings");
        assert_eq!((config.schedule.rate, config.size, config.norm), (1.0, Some(96), Norm::Batch));
        assert_eq!(config.sliced.strides, [1]);
    }

    #[test]
    fn styles_have_content_at_the_levels_that_fit_and_textures_have_none() {
        let resolved = |preset: &str, setting: &str| {
            TrainConfig::new(preset, &[setting.into()])
                .and_then(|c| c.resolve(&[picture(256)]))
                .expect(preset)
        };
        assert_eq!(resolved("default", "size=128").content, None);
        let [whole, small] = ["size=256", "size=64"].map(|s| resolved("style", s).content.expect("content"));
        assert_eq!((whole.levels.len(), small.levels.len()), (5, 4));
        assert!(resolved("style", "size=256").spec().expect("a network").content);
    }

    #[test]
    fn a_residual_network_grows_from_its_coarse_scales() {
        let config = TrainConfig::new("style-residual", &["iterations=100".into()]);
        let config = config.and_then(|c| c.resolve(&[picture(256)])).expect("a configuration");
        let stages = config.stages().expect("stages");
        assert_eq!(stages.iter().map(|s| s.spec.scales.len()).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(stages.iter().all(|stage| stage.spec.residual == 5));
    }

    #[test]
    fn settings_that_mean_nothing_are_refused_with_a_sentence() {
        let refuse = |setting: &str, word: &str| {
            let error = TrainConfig::new("default", &[setting.into()])
                .and_then(|c| c.resolve(&[picture(64)]))
                .expect_err(setting)
                .to_string();
            assert!(error.contains(word), "{setting}: {error}");
        };
        refuse("rate", "key=value");
        refuse("plan.rate=1", "no table 'plan'");
        refuse("colour=3", "colour");
        refuse("batch=many", "do not fit");
        refuse("batch=0", "batch");
        refuse("size=100", "multiple");
        refuse("scales=20", "scales");
        refuse("scale=0.1", "--scale");
        refuse("norm=folded", "batch or instance");
        refuse("content.weight=1", "no table 'content'");
        refuse("architecture=residual", "photograph");
        assert!(TrainConfig::new("best", &[]).expect_err("no preset").to_string().contains("fast"));
    }
}
