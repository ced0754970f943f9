use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::BeforeSerializationInterceptorContextMut,
    },
    error::BoxError,
    operation::{
        put_item::PutItemInput, transact_write_items::TransactWriteItemsInput,
        update_item::UpdateItemInput,
    },
    types::AttributeValue,
};

/// A client whose transactions, updates and puts lack every condition on an attribute: the negative control of a test that proves
/// what the condition is for. The product itself has no such switch.
pub fn without(attribute: &str) -> Client {
    without_all(&[attribute])
}

/// The same for several attributes.
pub fn without_all(attributes: &[&str]) -> Client {
    let tampered = attributes.iter().fold(crate::config(), |config, attribute| {
        let absent = format!("attribute_not_exists(#{attribute})");
        let present = format!("attribute_exists(#{attribute})");
        config.interceptor(Without { compared: format!("#{attribute} "), absent, present })
    });
    Client::from_conf(tampered.build())
}

#[derive(Debug)]
struct Without {
    /// How the attribute stands in a comparison.
    compared: String,
    /// The one condition of a put that makes an item.
    absent: String,
    /// The one condition of what is about an item that is there.
    present: String,
}

impl Intercept for Without {
    fn name(&self) -> &'static str {
        "without"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(update) = context.input_mut().downcast_mut::<UpdateItemInput>() {
            self.strip(
                &mut update.condition_expression,
                update.update_expression.as_deref().unwrap_or_default(),
                &mut update.expression_attribute_names,
                &mut update.expression_attribute_values,
            );
        }
        if let Some(put) = context.input_mut().downcast_mut::<PutItemInput>() {
            self.allow(
                &mut put.condition_expression,
                &mut put.expression_attribute_names,
                &mut put.expression_attribute_values,
            );
        }
        let Some(input) = context.input_mut().downcast_mut::<TransactWriteItemsInput>() else {
            return Ok(());
        };
        for item in input.transact_items.iter_mut().flatten() {
            if let Some(update) = &mut item.update {
                self.strip(
                    &mut update.condition_expression,
                    &update.update_expression,
                    &mut update.expression_attribute_names,
                    &mut update.expression_attribute_values,
                );
            }
            if let Some(delete) = &mut item.delete {
                self.strip(
                    &mut delete.condition_expression,
                    "",
                    &mut delete.expression_attribute_names,
                    &mut delete.expression_attribute_values,
                );
            }
            if let Some(put) = &mut item.put {
                self.allow(
                    &mut put.condition_expression,
                    &mut put.expression_attribute_names,
                    &mut put.expression_attribute_values,
                );
            }
        }
        Ok(())
    }
}

impl Without {
    /// Lets a put through that makes an item, whether there is one or not.
    fn allow(
        &self,
        condition: &mut Option<String>,
        names: &mut Option<HashMap<String, String>>,
        values: &mut Option<HashMap<String, AttributeValue>>,
    ) {
        if condition.as_ref().is_some_and(|text| text.contains(&self.absent)) {
            (*condition, *names, *values) = (None, None, None);
        }
    }

    fn strip(
        &self,
        condition: &mut Option<String>,
        update: &str,
        names: &mut Option<HashMap<String, String>>,
        values: &mut Option<HashMap<String, AttributeValue>>,
    ) {
        let Some(text) = condition.take() else { return };
        let goes = |clause: &&str| {
            clause.contains(&self.compared) || *clause == self.absent || *clause == self.present
        };
        let kept: Vec<_> = text.split(" AND ").filter(|clause| !goes(clause)).collect();
        let kept = kept.join(" AND ");
        // DynamoDB refuses names and values that nothing mentions.
        let used = format!("{update} {kept} ");
        let mentions = |name: &str| {
            let is_part = |c: char| c.is_alphanumeric() || c == ':' || c == '#';
            used.split(|c| !is_part(c)).any(|word| word == name)
        };
        if let Some(all) = names {
            all.retain(|name, _| mentions(name));
        }
        if let Some(all) = values {
            all.retain(|name, _| mentions(name));
        }
        names.take_if(|all| all.is_empty());
        values.take_if(|all| all.is_empty());
        *condition = (!kept.is_empty()).then_some(kept);
    }
}
